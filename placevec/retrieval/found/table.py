"""Turns the results of a search into a table, and writes it as CSV."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.places.frame import is_zone_frame, unit_of
from placevec.retrieval.found.found import Found
from placevec.sources.tables.rows.csv_file import frame_csv, write_frame
from placevec.sources.values.utm import degrees_from_metres
from placevec.store.store import DescriptorStore

if TYPE_CHECKING:
    import pandas as pd

_FILE_COLUMNS = ("query", "match")
_DECIMALS_OF_METRES, _DECIMALS_OF_DEGREES = 2, 7  # both mean about a centimetre
_DECIMALS_OF_SECONDS, _DECIMALS_OF_SIMILARITY, _DECIMALS_OF_CONFIDENCE = 3, 4, 3


def found_table(
    store: DescriptorStore,
    names: NDArray[np.str_],
    positions_m: NDArray[np.floating] | None,
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.floating],
    gaps: NDArray[np.floating],
    confidences: NDArray[np.floating],
    inliers: NDArray[np.integer] | None,
) -> "pd.DataFrame":
    """Returns the table that `search_photos` returns.

    Args:
        store: DescriptorStore.
        names: (Q,) str. Names of the queries.
        positions_m: (Q, 2) float or None. Positions of the queries, in the store's frame.
        neighbors: (Q, k) int64. Rows of the store; -1 stands for no match.
        similarities: (Q, k) float.
        gaps: (Q, k) float.
        confidences: (Q, k) float. How likely each match is right; NaN if that is not known.
        inliers: (Q, k) int or None. Points shared with the query; negative if not compared.
    """
    import pandas as pd

    places, ranks = np.nonzero(neighbors >= 0)
    photos = store.photos.take(neighbors[places, ranks]).to_pandas()
    matches_m = photos[["east_m", "north_m"]].to_numpy(float)
    degrees, frame = np.full_like(matches_m, np.nan), store.manifest.frame or ""
    if is_zone_frame(frame):
        zone = frame.removeprefix("UTM ")
        degrees = degrees_from_metres(matches_m, zone).round(_DECIMALS_OF_DEGREES)
    unit, some = unit_of(frame), {}
    if positions_m is not None:
        apart_m = np.linalg.norm(positions_m[places] - matches_m, axis=1)
        some[f"distance_{unit}"] = apart_m.round(_DECIMALS_OF_METRES)
    if inliers is not None:
        counts = pd.Series(inliers[places, ranks], dtype="Int64")
        some["inliers"] = counts.mask(counts < 0)
    matches_m = matches_m.round(_DECIMALS_OF_METRES)
    return pd.DataFrame(
        {
            "query": names[places],
            "rank": ranks + 1,
            "match": photos["name"].to_numpy(),
            "similarity": similarities[places, ranks].astype(float).round(_DECIMALS_OF_SIMILARITY),
            "gap": gaps[places, ranks].round(_DECIMALS_OF_SIMILARITY),
            "confidence": confidences[places, ranks].round(_DECIMALS_OF_CONFIDENCE),
            **some,
            f"east_{unit}": matches_m[:, 0],
            f"north_{unit}": matches_m[:, 1],
            "lat": degrees[:, 0],
            "lon": degrees[:, 1],
            "time_s": photos["time_s"].to_numpy().round(_DECIMALS_OF_SECONDS),
        }
    )


def found_csv(table: "pd.DataFrame") -> str:
    """Returns the table of a search as CSV, in which no spreadsheet runs a name as a formula.

    Args:
        table: DataFrame, the result of `search_photos`.
    """
    return frame_csv(table, _FILE_COLUMNS)


def write_csv(found: Found, path: Path) -> None:
    """Writes the table of a search as CSV.

    Args:
        found: Found.
        path: Path. The file.
    """
    write_frame(path, found.table, _FILE_COLUMNS)
