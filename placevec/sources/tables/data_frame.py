"""Photos with positions from a pandas table."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.tables.rows.columns import why_no_places
from placevec.sources.tables.rows.rows import convert_rows
from placevec.sources.values.roles import roles_of

if TYPE_CHECKING:
    import pandas as pd

_SOURCE = Path("the data frame")  # for messages


def read_frame(frame: "pd.DataFrame", root: Path | str | None = None) -> PlaceDataset:
    """Makes a data set from a pandas table with a row per photo; see `PlaceDataset.from_frame`.

    Args:
        frame: DataFrame. The columns are those of `read_table`.
        root: Path or None. Folder that the column `file` is relative to. None: the folder of the
            data set that the table was made from, else the current folder.

    Returns:
        PlaceDataset, in the order of the rows. The photos themselves are not checked.

    Raises:
        ValueError: If a column is missing, a file is named twice, a value cannot be read or is out
            of range, or a position is missing; 0, 0 counts as missing.
    """
    if len(set(frame.columns)) < len(frame.columns):
        raise ValueError(
            "Each column of a table of photos must have a name of its own. Received: "
            f"{shown(', '.join(map(str, frame.columns)))}"
        )
    values = {str(name): frame[name].astype(object) for name in frame.columns}
    cells = {name: column.where(column.notna(), None).tolist() for name, column in values.items()}
    rows = convert_rows([cells], _SOURCE)
    if rows.positions is None and rows.place_ids is None:
        raise ValueError(
            "A table needs `lat,lon`, `east,north` or `place`. Received: "
            f"{why_no_places(list(cells), _SOURCE)}"
        )
    known = getattr(frame, "attrs", {})
    positions_m, place = (None, "local") if rows.positions is None else rows.metres()
    if positions_m is not None:
        is_unknown = np.any(np.isnan(positions_m), axis=1)
        if is_unknown.any():
            raise ValueError(
                f"No positions for {is_unknown.sum()} of {counted(len(rows.names), 'photo')} in "
                f"{_SOURCE} (first: {shown(rows.names[is_unknown][0])}). Fill them in, or drop "
                "these rows"
            )
    if place == "local":
        place = str(known.get("frame", place))
    return PlaceDataset(
        Path(known.get("root", ".") if root is None else root),
        rows.names,
        positions_m=positions_m,
        headings_deg=rows.headings_deg,
        times_s=rows.times_s,
        place_ids=rows.place_ids,
        sequence_ids=rows.sequence_ids,
        altitudes_m=rows.altitudes_m,
        fields_of_view_deg=rows.fields_of_view_deg,
        frame=place,
        **roles_of(rows.names, rows.roles),
    )


PlaceDataset.frame_reader = staticmethod(read_frame)
