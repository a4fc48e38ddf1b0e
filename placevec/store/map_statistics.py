"""What the descriptors of a map have in common. It makes other descriptors comparable with them."""

import logging
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.principal_directions import principal_directions

_log = logging.getLogger(__name__)
_POWER = 0.5
# The weight, in photos, of a mean of zero and (times D) of an even spread. Both are what whitening
# gives the training photos.
_PRIOR_MEAN = 100
_PRIOR_SPREAD = 3
_MAX_DEFAULT_DIM = 4096  # a projection has dim times D numbers
_ROWS_AT_A_TIME = 4096

ADAPTATION = 2
"""Number of the rule by which `MapStatistics.adapt` adapts. Descriptors that another rule adapted,
and what was learned from them, must not be compared with those of this one."""
MOST_PHOTOS = 20_000
"""Maximum number of photos that statistics are fitted on."""
ENOUGH_PHOTOS = 30
"""With fewer photos, statistics are only used on request, because they hardly change anything."""


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """The mean of a map's descriptors, and a projection that evens out their spread.

        c = <x, mean> / <mean, mean>, but at least 0 and at most 1
        y = (x - c * mean) . projection,  divided by its length

    A descriptor loses as much of the mean as it contains, at most once. A photo at night contains
    little of the mean of a map by day: subtracting all of it would move every night photo in the
    same direction, away from the places of the map.

    Args:
        mean: (D,) float32. Mean of the descriptors.
        projection: (D, n) float32, or None. See `fit_map_statistics`. None: the spread stays
            unchanged.
        num_photos: int. Number of photos that the statistics were fitted on.

    Raises:
        ValueError: If the shapes do not fit, or a number is not finite.

    Example:
    >>> statistics = MapStatistics(np.array([0.5, 0, 0]), np.eye(3), 4)
    >>> statistics.adapt(np.array([[1.0, 0, 0], [0.3, 0, 2.0], [-1.0, 0, 0]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]
    """

    mean: NDArray[np.float32]
    projection: NDArray[np.float32] | None
    num_photos: int

    def __post_init__(self) -> None:
        projection = np.zeros((len(self.mean), 0)) if self.projection is None else self.projection
        shapes = np.shape(self.mean), np.shape(projection)
        if len(shapes[0]) != 1 or len(shapes[1]) != 2 or shapes[0] != shapes[1][:1]:
            raise ValueError(f"Mean and projection must be (D,) and (D, n). Received: {shapes}")
        if not (np.isfinite(self.mean).all() and np.isfinite(projection).all()):
            raise ValueError("Mean and projection must be finite. Received: others")

    @classmethod
    def of_no_photos(cls, dim: int) -> "MapStatistics":
        """Returns statistics of an empty map: the mean is zero and the spread stays unchanged.

        Args:
            dim: int. `D`.
        """
        return cls(np.zeros(dim, np.float32), None, 0)

    @property
    def dim(self) -> int:
        """`n`, the number of dimensions of an adapted descriptor."""
        return len(self.mean) if self.projection is None else self.projection.shape[1]

    @property
    def is_reduced(self) -> bool:
        """Whether adapted descriptors have fewer dimensions than `fit_map_statistics` keeps.

        It is False if descriptors have more than 4096 dimensions, because `fit_map_statistics`
        always drops some of these.
        """
        return self.dim < len(self.mean) <= _MAX_DEFAULT_DIM

    def adapt(
        self, descriptors: NDArray[np.floating], means: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """Returns descriptors in the form that is compared within the map.

        They are computed in float64 and then rounded, so that a result does not depend on how many
        are adapted at once. A descriptor that equals the mean is projected without subtracting it.

        Args:
            descriptors: (N, D) float. Of unit length.
            means: (D,) or (N, D) float, or None. What takes the place of the map's mean.

        Returns:
            (N, n) float32, of unit length.

        Raises:
            ValueError: If the number of dimensions differs from the map's, or an adapted descriptor
                is zero.
        """
        if np.ndim(descriptors) != 2 or np.shape(descriptors)[1] != len(self.mean):
            raise ValueError(
                f"Descriptors must be (N, {len(self.mean)}), as those of the map. Received: "
                f"{np.shape(descriptors)}. Take the model that described the map"
            )
        means = np.asarray(self.mean if means is None else means, np.float64)
        adapted = np.empty((len(descriptors), self.dim), np.float32)
        for start in range(0, len(descriptors), _ROWS_AT_A_TIME):
            part = slice(start, start + _ROWS_AT_A_TIME)
            vectors = np.asarray(descriptors[part], np.float64)
            moved = _contained(vectors, means if means.ndim == 1 else means[part])
            rows = self._project(np.subtract(vectors, moved, out=moved))
            lengths = np.linalg.norm(rows, axis=1)
            is_mean = lengths < 1e-6 * self._scale
            rows[is_mean] = self._project(vectors[is_mean])
            lengths[is_mean] = np.linalg.norm(rows[is_mean], axis=1)
            if not (lengths > 0).all():
                raise ValueError(
                    "Statistics of a map must keep every descriptor above length 0. Received: "
                    f"{np.sum(~(lengths > 0))} of {len(lengths)} that vanish. Fit them again: "
                    "`placevec index`"
                )
            adapted[part] = rows / lengths[:, None]
        return adapted

    def numbers(self) -> NDArray[np.float32]:
        """Returns the array for a file, (1 + n, D) float32: the mean, then projection columns."""
        rows = [self.mean] if self.projection is None else [self.mean, self.projection.T]
        return np.ascontiguousarray(np.vstack(rows), np.float32)

    def _project(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return vectors if self._projection is None else vectors @ self._projection

    @cached_property
    def _projection(self) -> NDArray[np.float64] | None:
        return None if self.projection is None else self.projection.astype(np.float64)

    @cached_property
    def _scale(self) -> float:
        """Average length of a projected vector of length 1."""
        if self._projection is None:
            return 1.0
        return float(np.linalg.norm(self._projection) / len(self.mean) ** 0.5)


def _contained(vectors: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the part of its mean that each vector contains, (n, D), and zero for a zero mean.

    The means are (n, D), or (D,) if all vectors have the same.
    """
    lengths = np.einsum("...d,...d->...", means, means)
    shares = np.einsum("...d,...d->...", vectors, means)
    shares = np.divide(shares, lengths, out=np.zeros_like(shares), where=lengths > 0)
    return shares.clip(0, 1)[:, None] * means


def drawn_rows(count: int) -> NDArray[np.int64]:
    """Returns which photos of a map statistics are fitted on: all, or 20,000 drawn at random.

    Args:
        count: int. Photos of the map.

    Returns:
        (n,) int64, rising.
    """
    if count <= MOST_PHOTOS:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:MOST_PHOTOS])


def fit_map_statistics(descriptors: NDArray[np.floating], dim: int | None = None) -> MapStatistics:
    """Finds the mean of a map and the PCA of power 1/2 that evens out half of its spread.

        a          = 3 D / (3 D + N)
        mean       = N / (N + 100) * mean of the descriptors
        variance_j = (1 - a) * variance_j + a * (mean variance of a dimension)
        projection = sum over j of v_j v_j^T * (variance_j / mean variance) ** (-1/4)

    `v_j` are all directions, including those in which the map does not vary. The fewer photos a map
    has, the closer the projection is to the identity, and the mean to zero. With a `dim` below `D`
    the projection has the columns `v_j * (...)` of largest variance.

    Of more than 20,000 photos, that many are drawn at random, so that a store, `evaluate` and
    `calibrate` fit the same statistics to a map.

    Args:
        descriptors: (N, D) float. Descriptors of the map's photos, of unit length.
        dim: int or None. `n`, the dimensions of an adapted descriptor. None: `D`; if that is above
            4096, at most 4096 and at most the number of directions in which the map varies.

    Returns:
        MapStatistics.

    Raises:
        ValueError: If there are no descriptors, or they vary in fewer than `dim` directions.

    Reference:
        [Jegou and Chum, 2012](https://inria.hal.science/hal-00722622) whiten descriptors;
        [Schubert et al., 2020](https://arxiv.org/abs/2001.08960) standardize each side.
    """
    start = time.perf_counter()
    descriptors = np.asarray(descriptors)
    descriptors = descriptors[drawn_rows(len(descriptors))]
    if descriptors.ndim != 2 or not len(descriptors) or not np.isfinite(descriptors).all():
        raise ValueError(
            "Statistics of a map need finite descriptors (N, D). Received: shape "
            f"{descriptors.shape}"
        )
    num_photos, full = descriptors.shape
    wanted = dim or min(full, _MAX_DEFAULT_DIM)
    if not 0 < wanted <= full:
        raise ValueError(f"`dim` must be 1 to {full}, the dimensions of a descriptor. "
                         f"Received: dim={dim}")  # fmt: skip
    mean, variances, directions = (
        principal_directions(descriptors) if num_photos > 1 else _of_one(descriptors)
    )
    if wanted < full and wanted > len(variances):
        if dim is not None or not len(variances):
            spread = f"{counted(num_photos, 'photo')} that spread in {len(variances)} directions"
            if dim is None:
                raise ValueError(
                    f"Statistics of a map need photos that differ if descriptors have {full} "
                    f"dimensions. Received: {spread}. Describe others, or index with "
                    "`--no-statistics` and compare with `--normalize none`"
                )
            raise ValueError(
                f"A map must spread in at least `dim` directions. Received: dim={dim}, {spread}. "
                "Take fewer dimensions or leave `--dim` out"
            )
        wanted = len(variances)
    scales, rest = _scales(variances, num_photos, full)
    if wanted < full:
        projection = directions[:, :wanted] * scales[:wanted].astype(np.float32)
    else:
        projection = (directions * (scales - rest).astype(np.float32)) @ directions.T
        projection[np.diag_indices(full)] += np.float32(rest)
    few = ", fewer than dimensions" if num_photos < full else ""
    effect = 1 - _share(num_photos, full) if len(variances) else 0.0
    _log.info(
        "statistics of a map of %s%s: they spread in %s of %s, and even out "
        "%.0f %% of what a map without end would; %s in %.1f s",
        counted(num_photos, "photo"), few, counted(len(variances), "direction"),
        counted(full, "dimension"), 100 * effect, counted(wanted, "dimension"),
        time.perf_counter() - start,
    )  # fmt: skip
    shrunk = mean * (num_photos / (num_photos + _PRIOR_MEAN))
    return MapStatistics(shrunk.astype(np.float32), projection, num_photos)


def _of_one(
    descriptors: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Returns the result of `principal_directions` for one photo, which varies in no direction."""
    full = descriptors.shape[1]
    return descriptors[0].astype(np.float64), np.empty(0), np.empty((full, 0), np.float32)


def _scales(
    variances: NDArray[np.float64], num_photos: int, full: int
) -> tuple[NDArray[np.float64], float]:
    """Returns the scale of each direction in which a map varies, and of all other directions."""
    if not len(variances):
        return np.empty(0), 1.0
    mean = variances.sum() / full
    share = _share(num_photos, full)
    shrunk = (1 - share) * variances / mean + share
    return shrunk ** (-_POWER / 2), share ** (-_POWER / 2)


def _share(num_photos: int, full: int) -> float:
    """Returns `a`, the weight of an even spread against the map's own."""
    return _PRIOR_SPREAD * full / (_PRIOR_SPREAD * full + num_photos)
