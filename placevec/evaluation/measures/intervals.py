"""Confidence intervals of shares: by resampling, by Wilson's formula, and exact lower bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

_CONFIDENCE = 0.95
_NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % confidence interval, all in [0, 1]."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The shares of several models on the same queries.

    Args:
        intervals: sequence of Interval. One per model.
        resampled: (R, M) float. Share of each model in each resample. All models get the same
            resamples, so that `better` is a fair comparison.
    """

    intervals: Sequence[Interval]
    resampled: NDArray[np.floating]

    def better(self, one: int, other: int) -> float:
        """Returns the share of resamples in which model `one` beats model `other`; ties count half.

        Args:
            one: int. Column of a model.
            other: int. Column of another.
        """
        difference = self.resampled[:, one] - self.resampled[:, other]
        return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def compare_shares(is_found: ArrayLike, groups: ArrayLike, *, seed: int = 0) -> Comparison:
    """Computes the share of found queries of each model and its 95 % interval.

    Photos of the same place tend to be found or missed together. So this resamples places (or
    runs) instead of photos: a percentile bootstrap over groups. If a share is 0 or 1, every
    resample is the same; then Wilson's interval for this number of groups is used.

    Args:
        is_found: (Q, M) bool. Whether each of M models found each query; Q >= 1.
        groups: (Q,) of any values that can be sorted. The place or run of each query.
        seed: int. Seed of the resamples.

    Returns:
        Comparison.

    Raises:
        ValueError: If there is no query, or not one group per query.
    """
    found, group = np.asarray(is_found, float), np.asarray(groups)
    if found.ndim != 2 or group.shape != found.shape[:1] or not len(found):
        raise ValueError(
            "`is_found` (Q, M) and `groups` (Q,) must have one row for each of at least one query. "
            f"Received: shapes {found.shape} and {group.shape}"
        )
    _, place, sizes = np.unique(group, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), found.shape[1]))
    np.add.at(sums, place, found)
    rng = np.random.default_rng(seed)
    chance = np.full(len(sizes), 1 / len(sizes))
    drawn = rng.multinomial(len(sizes), chance, size=_NUM_RESAMPLES).astype(float)  # (R, groups)
    resampled = (drawn @ sums) / (drawn @ sizes)[:, None]
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    shares = found.mean(0)
    intervals = []
    for model, share in enumerate(shares.tolist()):
        if share in (0.0, 1.0) or len(sizes) == 1:
            intervals.append(wilson(share, len(sizes)))
        else:
            intervals.append(Interval(share, float(low[model]), float(high[model])))
    return Comparison(intervals, resampled)


def wilson(share: float, count: int) -> Interval:
    """Returns Wilson's 95 % interval of a share of `count` independent trials.

    Args:
        share: float in [0, 1].
        count: int, at least 1.

    Example:

    >>> str(wilson(1.0, 10))
    '100.0 (72.2 to 100.0)'
    """
    z2 = float(scipy.special.ndtri((1 + _CONFIDENCE) / 2)) ** 2
    center = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return Interval(share, max(0.0, float(center - half)), min(1.0, float(center + half)))


def lower_bound(num_right: ArrayLike, num_accepted: ArrayLike) -> NDArray[np.floating]:
    """Returns a 95 % confidence lower bound of precision (one-sided, Clopper-Pearson).

    With no error among `n` matches it is `0.05 ** (1 / n)`. So 59 right matches without an error
    show a precision of 95 %, and 299 show 99 %.

    Args:
        num_right: int or (T,) int. Right matches.
        num_accepted: int or (T,) int. Accepted matches, at least as many.

    Returns:
        float or (T,) float in [0, 1]; 0 if nothing is right.

    Example:

    >>> [bool(lower_bound(n, n) >= 0.95) for n in (58, 59)]
    [False, True]
    """
    right, accepted = np.asarray(num_right), np.asarray(num_accepted)
    bound = scipy.special.betaincinv(np.maximum(right, 1), accepted - right + 1, 1 - _CONFIDENCE)
    return np.where(right > 0, bound, 0.0)
