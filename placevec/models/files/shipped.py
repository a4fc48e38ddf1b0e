"""The files of the networks that ship with placevec."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npz
from placevec.input_file import read_json
from placevec.kinds import MODEL_FILE, NETWORKS_FOLDER

PHOTOS_FOLDER = NETWORKS_FOLDER / "photos"
"""Folder with `database` and `queries`, the photos of `placevec demo`."""

ONNX_FILE = "model.onnx"
CARD_FILE, CHECK_FILE = "card.json", "check.npz"
CALIBRATION_FILE = "calibration.json"
_MAX_CARD_BYTES, _MAX_CHECK_BYTES = 2**20, 2**24


def shipped_model(name: str) -> Path:
    """Returns the `.keras` file of a network that ships with placevec."""
    return NETWORKS_FOLDER / name / MODEL_FILE


def shipped_name(model_path: Path) -> str | None:
    """Returns the name of the network in a file, or None if it does not ship with placevec."""
    return model_path.resolve().parent.name if _is_shipped(model_path) else None


def shipped_onnx(model_path: Path) -> Path | None:
    """Returns the ONNX file of the same network, or None if it does not ship with placevec."""
    path = model_path.with_name(ONNX_FILE)
    return path if _is_shipped(model_path) and path.is_file() else None


def read_card(model_path: Path) -> dict[str, Any] | None:
    """Returns the card of a network, or None if it does not ship with placevec.

    Args:
        model_path: Path. The file of a model.

    Raises:
        FileNotFoundError: If the network ships without a card.
        ValueError: If the card is damaged.
    """
    if not _is_shipped(model_path):
        return None
    return read_json(model_path.with_name(CARD_FILE), max_bytes=_MAX_CARD_BYTES)


def shipped_model_id(model_path: Path) -> str | None:
    """Returns the id of a network that ships with placevec, or None if the model does not.

    Args:
        model_path: Path. The file of a model.
    """
    card = read_card(model_path)
    return None if card is None else card["facts"]["model_id"]


def shipped_calibration(model_id: str | None) -> Path | None:
    """Returns the calibration file of a network, or None if it does not ship with placevec.

    Args:
        model_id: str or None. Id of any model, see `model_id`.
    """
    for path in sorted(NETWORKS_FOLDER.glob(f"*/{CALIBRATION_FILE}")):
        if shipped_model_id(path.with_name(MODEL_FILE)) == model_id:
            return path
    return None


def check_descriptors(model_path: Path, image_size: tuple[int, int]) -> NDArray[np.float32] | None:
    """Returns Keras's descriptors of `check_photos`, (N, D) float32, if they ship with the network.

    Args:
        model_path: Path. The file of a model.
        image_size: (int, int). Rows and columns of the check photos.
    """
    path = model_path.with_name(CHECK_FILE)
    if not _is_shipped(model_path) or not path.is_file():
        return None
    return read_npz(path, max_bytes=_MAX_CHECK_BYTES).get("{}x{}".format(*image_size))


def describe_card(card: Mapping[str, Any]) -> str:
    """Returns a card as Markdown.

    Args:
        card: mapping. As `read_card` returns it.
    """
    sources = [
        f"- {each['what']}: {each['license']}; from {each['from']}" for each in card["sources"]
    ]
    files = [
        f"- `{name}`: {facts['bytes']:,} bytes, SHA-256 {facts['sha256']}"
        for name, facts in card["files"].items()
    ]
    measured = [f"- {name}: {value}" for name, value in card["measured"].items()]
    return "\n".join([
        f"# {card['name']}", "", card["summary"], "",
        f"{card['parameters'] / 1e6:.2f} million parameters, {card['dimensions']} dimensions.", "",
        "## What it is made of", "", *sources, "", card["settings"], "",
        "## What was measured", "", *measured, "",
        "## What it is bad at", "", *(f"- {each}" for each in card["weaknesses"]), "",
        "## Files", "", *files, "",
        f"Made by `{card['command']}`, from a weights file with SHA-256 {card['weights_sha256']}.",
        "",
    ])  # fmt: skip


def _is_shipped(model_path: Path) -> bool:
    return model_path.name == MODEL_FILE and model_path.resolve().parent.parent == NETWORKS_FOLDER
