"""Writes the results of a search as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from placevec.counted import counted
from placevec.pages.joined import join_photos
from placevec.pages.page import Card, Gallery, Photo, page
from placevec.pages.thumbnail import jpeg_base64
from placevec.places.frame import UNITS
from placevec.retrieval.found.found import Found
from placevec.whole_file import whole_file

if TYPE_CHECKING:
    import pandas as pd

_MOST_PHOTOS = 1000  # about 10 MB, because a small photo has about 10 kB
_TITLE = "What was found"


def write_page(found: Found, path: Path) -> None:
    """Writes a self-contained page that shows each query beside its matches.

    It shows the first queries, with at most 1,000 photos in total. If matched points are known,
    lines connect those of a query and its first match.

    Args:
        found: Found.
        path: Path. The file.
    """
    groups = list(found.table.groupby("query", sort=False))
    cards, num_photos = [], 0
    for number, (query, matches) in enumerate(groups):
        num_photos += 1 + len(matches)
        if cards and num_photos > _MOST_PHOTOS:
            break
        cards.append(Card(number, str(query), [], _photos(found, query, matches)))
    note = f"{counted(len(groups), 'query', 'queries')}, the best match first."
    if len(cards) < len(groups):
        note += f" The first {len(cards)} are shown."
    text = page(_TITLE, [], Gallery("Queries and their matches", note, cards=cards), [])
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _photos(found: Found, query: str, matches: "pd.DataFrame") -> list[Photo]:
    """Returns the photos of a query and its matches."""
    path, records = found.root / query, matches.to_dict("records")
    photos = [
        Photo(jpeg_base64(found.store_root / each["match"]), _caption(each), name=each["match"])
        for each in records
    ]
    first = photos[0]
    if found.points is not None and len(points := found.points[query][0]):
        match_path = found.store_root / first.name
        if joined := join_photos(path, match_path, points, first.caption, name=first.name):
            return [joined, *photos[1:]]
    return [Photo(jpeg_base64(path), "query", name=query), *photos]


def _caption(values: dict[str, Any]) -> str:
    """Returns the values of a match as text."""
    import pandas as pd

    parts = [f"{values['rank']}: similarity {values['similarity']:.4g}"]
    known = {name: value for name, value in values.items() if pd.notna(value)}
    if "gap" in known:
        parts.append(f"gap {known['gap']:.4g}")
    if "confidence" in known:
        parts.append(f"right with {100 * known['confidence']:.0f} %")
    for unit in UNITS:
        if f"distance_{unit}" in known:
            parts.append(f"{known[f'distance_{unit}']:g} {unit} from the query")
    if "inliers" in known:
        parts.append(counted(known["inliers"], "point"))
    if "lat" in known and "lon" in known:
        parts.append(f"{known['lat']:.6f}, {known['lon']:.6f}")
    return ", ".join(parts)
