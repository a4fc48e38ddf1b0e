"""What the gap of a match means for a model: how likely the match is right, and when to trust it.

This file only needs NumPy and SciPy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray

from placevec.config import LoopsConfig
from placevec.counted import counted
from placevec.input_file import read_json, shown
from placevec.models.files.shipped import shipped_calibration
from placevec.store.map_statistics import ADAPTATION
from placevec.whole_file import whole_file

_KIND = "placevec calibration"
_MAX_FILE_BYTES = 2**20
_LEAST_RIDGE = 1e-3  # keeps the fit finite if gaps of right and wrong matches do not overlap

Score = Mapping[str, Any]
"""How a gap is computed, as plain values. Gaps of different scores cannot be compared."""


def loops_score(
    image_size: Sequence[int] | None,
    *,
    sequence: int,
    rerank: str | None,
    min_inliers: int | None,
    normalize: str = LoopsConfig.normalize,
    hubness: str = LoopsConfig.hubness,
) -> Score:
    """Returns the settings that the gaps of `find_loops` depend on."""
    size = None if image_size is None else list(image_size)
    adapts = {"normalize": normalize, "hubness": hubness}  # Earlier files do not name them.
    changed = {name: how for name, how in adapts.items() if how != getattr(LoopsConfig, name)}
    return {
        "of": "loops",
        "image_size": size,
        "sequence": sequence,
        "rerank": rerank,
        "min_inliers": min_inliers,
        **changed,
    }


def search_score(image_size: Sequence[int] | None) -> Score:
    """Returns the settings that gaps of `search` depend on, if queries lose the map's mean."""
    return {"of": "search", "image_size": None if image_size is None else list(image_size)}


@dataclass(frozen=True)
class Calibration:
    """The meaning of one score, learned where the truth is known. Its text is a line for people.

    Args:
        score: Score.
        learned_on: str. The photos that it was learned on.
        num_matches: int. Number of matches that it was learned from.
        num_right: int. Number of right matches among them.
        offset: float. The probability that a match is right is
            `1 / (1 + exp(-(offset + per_gap * gap + per_inlier * inliers)))`.
        per_gap: float. See `offset`.
        per_inlier: float. See `offset`. 0 if points are not counted.
        thresholds: sequence of mappings. Each has a `precision` and the `score` above which matches
            reach it, see `placevec.evaluation.measures.threshold.Threshold`.
    """

    score: Score
    learned_on: str
    num_matches: int
    num_right: int
    offset: float
    per_gap: float
    per_inlier: float
    thresholds: Sequence[Mapping[str, float]]

    def __post_init__(self) -> None:
        numbers = [self.offset, self.per_gap, self.per_inlier]
        numbers += [each[name] for each in self.thresholds for name in ("precision", "score")]
        if not np.isfinite(np.array(numbers, float)).all():
            raise ValueError(f"A calibration must have finite numbers. Received: {numbers}")

    def confidence(self, gaps: ArrayLike, inliers: ArrayLike = 0) -> NDArray[np.floating]:
        """Returns how likely matches are right, in (0, 1). NaN if the gap is NaN.

        Args:
            gaps: float of any shape.
            inliers: int of the same shape, if points are counted.
        """
        weighed = self.per_gap * np.asarray(gaps, float) + self.per_inlier * np.asarray(inliers)
        return scipy.special.expit(self.offset + weighed)

    def __str__(self) -> str:
        settings = ", ".join(
            f"{name} {value}"
            for name, value in self.score.items()
            if name not in ("of", "image_size") and value is not None
        )
        thresholds = ", ".join(
            f"{each['score']:.3f} for {100 * each['precision']:g} % ({each['num_accepted']} of "
            f"{counted(self.num_matches, 'match', 'matches')} accepted, {each['num_wrong']} wrong)"
            for each in self.thresholds
        )
        return (
            f"{self.score['of']}{settings and ', ' + settings}: {thresholds}; learned on "
            f"{self.learned_on}"
        )

    def threshold(self, precision: float) -> float | None:
        """Returns the minimum gap for a precision, or None if it was not learned for it."""
        return next(
            (each["score"] for each in self.thresholds if each["precision"] == precision), None
        )


def fit_confidence(
    gaps: ArrayLike, inliers: ArrayLike, is_right: ArrayLike
) -> tuple[float, float, float]:
    """Fits the probability that a match is right to its gap and its matched points.

    It is a logistic regression with the targets of Platt, so that no match has probability 0 or 1.

    Args:
        gaps: (n,) float.
        inliers: (n,) int. Equal for all matches if points are not counted.
        is_right: (n,) bool.

    Returns:
        `offset`, `per_gap` and `per_inlier` of a `Calibration`.

    Reference:
        Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    import scipy.optimize

    right = np.asarray(is_right, bool)
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    target = np.where(right, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))
    values = np.stack([np.asarray(gaps, float), np.asarray(inliers, float)], axis=1)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    is_used = spread > 0
    scaled = np.where(is_used, (values - mean) / np.where(is_used, spread, 1), 0)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = weights[0] + scaled @ weights[1:]
        error = scipy.special.expit(logits) - target
        value = np.logaddexp(0, logits).sum() - target @ logits
        ridge = _LEAST_RIDGE * weights[1:]
        slope = np.concatenate([[error.sum()], scaled.T @ error + ridge])
        return float(value + ridge @ weights[1:] / 2), slope

    found = scipy.optimize.minimize(loss, np.zeros(3), jac=True, method="BFGS").x
    per = np.where(is_used, found[1:] / np.where(is_used, spread, 1), 0)
    return float(found[0] - per @ mean), float(per[0]), float(per[1])


def write_calibrations(path: Path, model_id: str, calibrations: Sequence[Calibration]) -> None:
    """Writes the calibrations of a model as JSON.

    Args:
        path: Path.
        model_id: str. Id of the model that computed the gaps.
        calibrations: sequence of Calibration.

    Raises:
        OSError: If the file cannot be written.
    """
    found = [asdict(each) for each in calibrations]
    values = {"kind": _KIND, "model_id": model_id, "adaptation": ADAPTATION, "calibrations": found}
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_calibrations(path: Path | str, model_id: str | None) -> list[Calibration]:
    """Reads the calibrations of a model that `placevec calibrate` wrote.

    Args:
        path: Path.
        model_id: str or None. Id of the model that is used.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file has another format, is for another model, or was learned with a
            version of placevec that adapts descriptors in another way.
    """
    values = read_json(path, max_bytes=_MAX_FILE_BYTES)
    if not isinstance(values, dict) or values.get("kind") != _KIND:
        raise ValueError(
            f"{shown(path)} is not a threshold. Give a number, or a file that this version of "
            "`placevec calibrate` wrote"
        )
    if values.get("model_id") != model_id:
        raise ValueError(
            f"The threshold in {shown(path)} is for another model (id "
            f"{shown(values.get('model_id'))}). Received: model {model_id}. Learn one with "
            "`placevec calibrate --model`"
        )
    if values.get("adaptation") != ADAPTATION:
        raise ValueError(
            f"The threshold in {shown(path)} was learned with another version of placevec, which "
            "adapts descriptors in another way. Learn it again with `placevec calibrate`"
        )
    try:
        return [Calibration(**each) for each in values["calibrations"]]
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{shown(path)} is damaged. Learn the threshold again with `placevec calibrate`"
        ) from None


def shipped_calibrations(model_id: str | None) -> list[Calibration]:
    """Returns the calibrations of a network that ships with placevec; none for other models.

    Args:
        model_id: str or None. Id of the model that is used.
    """
    path = shipped_calibration(model_id)
    return [] if path is None else read_calibrations(path, model_id)


def of_score(calibrations: Sequence[Calibration], score: Score) -> Calibration | None:
    """Returns the calibration of a score, or None."""
    return next((each for each in calibrations if each.score == score), None)
