"""A learned threshold in a file, for the model that it was learned with."""

import json
from pathlib import Path
from typing import Any

from placevec.evaluation.threshold import Threshold
from placevec.input_file import read_json, shown
from placevec.whole_file import whole_file

_KIND = "placevec threshold"
_LARGEST = 2**20  # bytes


def write_threshold(path: Path, threshold: Threshold, model_id: str, **facts: Any) -> None:
    """Writes a threshold and what it was learned from, as JSON.

    Args:
        path: Path.
        threshold: Threshold.
        model_id: str. Of the model whose gaps these are.
        facts: What else a reader should know, as plain values.

    Raises:
        OSError: If it cannot be written.
    """
    values = {"kind": _KIND, "model_id": model_id, **threshold.to_dict(), **facts}
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read_threshold(threshold: float | Path | str | None, model_id: str | None) -> float | None:
    """Returns the least gap that a number or a file of `placevec calibrate` states.

    Args:
        threshold: float, Path or None.
        model_id: str or None. Of the model that is used.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no threshold, or that of another model.
    """
    if threshold is None or isinstance(threshold, int | float):
        return threshold
    values = read_json(threshold, max_bytes=_LARGEST)
    is_threshold = isinstance(values, dict) and values.get("kind") == _KIND
    if not is_threshold or not isinstance(values.get("score"), int | float):
        raise ValueError(
            f"{shown(threshold)} is no threshold. Give a number, or a file that "
            "`placevec calibrate` wrote"
        )
    if values.get("model_id") != model_id:
        raise ValueError(
            f"The threshold in {shown(threshold)} is that of another model (id "
            f"{shown(values.get('model_id'))}). Received: model {model_id}. Learn one with "
            "`placevec calibrate --model`"
        )
    return float(values["score"])
