"""A contact sheet of rendered photos: a row per place, a column per visit."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from placevec.images import read_image
from placevec.rendering.scenes.shot import Shot
from placevec.whole_file import whole_file

CONTACT_SHEET = "contact_sheet.svg"  # a .jpg would be one of the photos
_MOST_ROWS, _MOST_COLUMNS = 6, 8
_WIDTH, _GAP, _TITLE = 200, 6, 18  # pixels


def write_contact_sheet(folder: Path, shots: Sequence[Shot]) -> None:
    """Writes `contact_sheet.svg`: up to 6 places, spread over all, each on up to 8 visits.

    Args:
        folder: Path. The folder of the photos.
        shots: sequence of Shot. The photos, in the order of planning.
    """
    places: dict[tuple, dict[tuple, Shot]] = {}
    for shot in shots:
        visits = places.setdefault((shot.root, shot.part, shot.place), {})
        visits.setdefault(shot.visit.seed, shot)
    rows = [list(visits.values())[:_MOST_COLUMNS] for visits in places.values()]
    drawn = np.unique(np.linspace(0, len(rows) - 1, _MOST_ROWS).round().astype(int))
    with whole_file(folder / CONTACT_SHEET) as unfinished:
        unfinished.write_text("\n".join(_svg(folder, [rows[i] for i in drawn])), "utf-8")


def _svg(folder: Path, rows: Sequence[Sequence[Shot]]) -> Iterator[str]:
    shape = read_image(folder / rows[0][0].path).shape
    height = max(1, round(_WIDTH * shape[0] / shape[1]))
    right, down = _WIDTH + _GAP, height + _TITLE + _GAP
    width = right * max(map(len, rows)) + _GAP
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{down * len(rows)}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>'
    )
    for row, shots in enumerate(rows):
        for column, shot in enumerate(shots):
            x, y = _GAP + column * right, row * down
            photo = read_image(folder / shot.path, image_size=(height, _WIDTH))
            jpeg = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))[1].tobytes()
            title = f"{shot.visit.weather.name}, {shot.role}"
            yield f'<text x="{x}" y="{y + _TITLE - 5}">{title}</text>'
            yield (
                f'<image x="{x}" y="{y + _TITLE}" width="{_WIDTH}" height="{height}" '
                f'href="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"/>'
            )
    yield "</svg>\n"
