"""Writes the card of an exported network: what it is, how to feed it, how it was checked."""

import json
from collections.abc import Sequence
from pathlib import Path

from placevec.deploy.files import Facts
from placevec.whole_file import whole_file

_RULE = (
    "Resize each photo to {0}x{1} (rows x columns) without keeping its shape. A new pixel is the "
    "mean of the area that it covers: use cv2.INTER_AREA, first for the axes that shrink, then for "
    "those that grow. Other rules give other descriptors: INTER_LINEAR lowers the cosine by up to "
    "0.006, INTER_CUBIC by up to 0.05."
)


CARD_FILES = ("card.json", "card.md")


def card_of(
    model: Path,
    format: str,
    facts: Facts,
    *,
    precision: str,
    checked: Sequence[dict],
    recall: dict[str, float] | None,
    megabytes: float,
) -> dict:
    """Returns the content of the card as plain values.

    Args:
        model: Path. The model that was exported.
        format: str. A key of `EXPORTS`.
        facts: Facts.
        precision: str. Precision of the file.
        checked: sequence of dict. How the file compares with Keras.
        recall: dict of `keras` and `file`, or None. Recall@1 on places, if it was measured.
        megabytes: float. Size of the file, in millions of bytes.
    """
    rule = _RULE.format(*facts.image_size)
    if facts.resizes_inside:
        rule = "Photos may have any size: the file resizes them."
    if format == "openvino":
        rule += " Compile with INFERENCE_PRECISION_HINT f32: OpenVINO's default is less precise."
    return {
        "model": model.name,
        "format": format,
        "precision": precision,
        "input": {
            "name": "photos",
            "shape": ["batch", "rows", "columns", facts.channels],
            **facts.by_name(),
            "rule": rule,
        },
        "output": {"name": "descriptors", "shape": ["batch", facts.dimensions], "type": "float32"},
        "dimensions": facts.dimensions,
        "model_id": facts.model_id,
        "megabytes": megabytes,
        "checked": list(checked),
        "recall@1": recall,
        "license": "that of the model and of the photos that it was trained on",
    }


def table_of(card: dict) -> str:
    """Returns a table of how a file compares with Keras, one line per batch and size.

    Args:
        card: dict. The result of `card_of`.
    """
    recall = card["recall@1"]
    change = "-" if recall is None else f"{100 * (recall['file'] - recall['keras']):+.1f} points"
    lines = [
        f"{'photos':>16s}  least cosine  largest difference  change of recall@1  {'size':>8s}",
        *(
            f"{row['photos']:>16s}  {row['least_cosine']:12.7f}  {row['largest_difference']:18.1e}"
            f"  {change:>18s}  {card['megabytes']:5.2f} MB"
            for row in card["checked"]
        ),
    ]
    return "\n".join(lines)


def write_card(card: dict, folder: Path) -> None:
    """Writes `card.json` and `card.md`.

    Args:
        card: dict. The result of `card_of`.
        folder: Path. The folder to write to.
    """
    taken = card["input"]
    lines = [
        f"# {card['model']} as {card['format']}",
        "",
        f"Model {card['model_id']}, {card['precision']}.",
        "",
        f"- Input `{taken['name']}`: {taken['pixels']}, {taken['color_order']}, "
        f"(batch, rows, columns, {taken['channels']}). {taken['rule']}",
        f"- Output `{card['output']['name']}`: float32, (batch, {card['dimensions']}), of unit "
        "length. The dot product of two descriptors is their similarity.",
        f"- License: {card['license']}.",
        "",
        *(f"    {line}" for line in table_of(card).splitlines()),
        "",
    ]
    texts = json.dumps(card, indent=1) + "\n", "\n".join(lines)
    for name, text in zip(CARD_FILES, texts, strict=True):
        with whole_file(folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
