"""Finds the threshold of loops, and the confidence of each loop."""

from dataclasses import replace
from pathlib import Path

from placevec.input_file import shown
from placevec.loops.scorer import Loop
from placevec.retrieval.calibration import (
    Calibration,
    Score,
    of_score,
    read_calibrations,
    shipped_calibrations,
)


def find_threshold(
    threshold: float | Path | str | None, precision: float, score: Score, model_id: str | None
) -> tuple[float | None, Calibration | None]:
    """Returns the smallest gap of a match, and what was learned about such gaps.

    Args:
        threshold: float, Path or None. A number, a file of `placevec calibrate`, or None for that
            of a network that ships with placevec.
        precision: float. Precision that a file must have a threshold for.
        score: Score. How the gaps are computed.
        model_id: str or None. Id of the model in use.

    Returns:
        float, or None if there is no threshold for this score and precision; and Calibration, or
        None if nothing was learned about this score.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a threshold, or is for another model, score or precision.
    """
    if threshold is None or isinstance(threshold, int | float):
        shipped = of_score(shipped_calibrations(model_id), score)
        if threshold is None and shipped is not None:
            threshold = shipped.threshold(precision)
        return threshold, shipped
    calibrations = read_calibrations(threshold, model_id)
    learned = of_score(calibrations, score)
    if learned is None:
        learned_with = "; ".join(f"`{_flags(each.score)}`" for each in calibrations)
        raise ValueError(
            f"The threshold in {shown(threshold)} was learned with {learned_with}. Received: "
            f"`{_flags(score)}`. Use the same settings, or learn a threshold for these with "
            "`placevec calibrate`"
        )
    least_gap = learned.threshold(precision)
    if least_gap is None:
        carried = ", ".join(f"{each['precision']:g}" for each in learned.thresholds)
        raise ValueError(
            f"{shown(threshold)} must have a threshold for the `precision` that you ask for. "
            f"Received: precision={precision:g}, and a file for {carried or 'none'}. Use one of "
            "these, or learn it with `placevec calibrate --precision`"
        )
    return least_gap, learned


def with_confidence(loops: list[Loop], learned: Calibration | None) -> list[Loop]:
    """Returns the same matches with the probability that each is right, if that was learned."""
    if learned is None:
        return loops
    return [
        replace(loop, confidence=float(learned.confidence(loop.gap, loop.inliers or 0)))
        for loop in loops
    ]


def _flags(score: Score) -> str:
    """Returns the flags by which `placevec calibrate` learns of a score."""
    flags = []
    for name, value in score.items():
        values = value if isinstance(value, list) else [value]
        if value is not None:
            flags.append(" ".join([f"--{name.replace('_', '-')}", *map(str, values)]))
    return shown(" ".join(flags))
