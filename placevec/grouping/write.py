"""Writes groups as a table, and as a page for you to look at."""

import logging
from pathlib import Path

from placevec.counted import counted
from placevec.grouping.groups import Groups
from placevec.input_file import shown
from placevec.pages.page import Card, Gallery, Photo, page
from placevec.pages.thumbnail import jpeg_base64
from placevec.sources.tables.rows.csv_file import write_frame
from placevec.whole_file import require_new_folder, whole_file

GROUPS_FILES = ("groups.csv", "groups.html")
_log = logging.getLogger(__name__)
_MOST_PHOTOS = 12  # photos of a group on the page
_MOST_GROUPS = 100  # A small photo on the page takes about 10 kB.


def write_groups(groups: Groups, out: Path) -> None:
    """Writes `groups.csv`, with a row for each photo, and `groups.html`, with small photos.

    The page is one self-contained file. It shows the 100 largest groups with up to 12 photos each.

    Args:
        groups: Groups.
        out: Path. Folder; made if it is missing.

    Raises:
        FileNotFoundError: If the folder that `out` lies in is missing.
        OSError: If a file cannot be written.
    """
    require_new_folder(out)
    out.mkdir(exist_ok=True)
    table, html = (out / name for name in GROUPS_FILES)
    write_frame(table, groups.to_frame(), ["file"])
    with whole_file(html) as unfinished:
        unfinished.write_text(_page(groups), encoding="utf-8")
    _log.info("wrote %s", shown(out))


def _page(groups: Groups) -> str:
    count = int(groups.numbers.max())
    num_shown = min(count, _MOST_GROUPS)
    note = f"{groups}."
    if num_shown < count:
        note += f" The {num_shown} largest groups are shown; groups.csv has all."
    cards = [_card(groups, number) for number in range(1, num_shown + 1)]
    return page(f"Places in {groups.dataset.root}", [], Gallery("Groups", note, cards=cards), [])


def _card(groups: Groups, number: int) -> Card:
    rows = groups.members(number).tolist()
    head = f"group {number}: {counted(len(rows), 'photo')}"
    if len(rows) > _MOST_PHOTOS:
        head += f", {_MOST_PHOTOS} of them shown"
    photos = [
        Photo(
            jpeg_base64(groups.dataset.path(row)),
            f"{groups.dataset.names[row]}, similarity {groups.similarities[row]:.2f}",
        )
        for row in rows[:_MOST_PHOTOS]
    ]
    return Card(number, head, [], photos)
