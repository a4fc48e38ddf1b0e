"""Photos, and where and when each was taken as far as it is known."""

import html
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places.frame import is_zone_frame, unit_of

if TYPE_CHECKING:
    import pandas as pd

_ROWS_SHOWN = 5
_FARTHEST_M = 1e12  # drawing or squaring a position that is farther away would overflow


@dataclass(frozen=True, eq=False, repr=False)
class PlaceDataset:
    """Photos of places: the form in which every source returns its data.

    The place of a photo is known by its position, by an identity (photos with equal `place_ids`
    show one place) or by both. Photos with neither can still be described and looked up. A row of
    each array belongs to the photo in the same row of `names`.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. File names relative to `root`, with `/` between folders, all different.
        positions_m: (N, 2) float64 or None. Metres east and north in `frame`.
        headings_deg: (N,) float64 or None. Compass direction of the optical axis, clockwise from
            north, in [0, 360); NaN if unknown. Without positions, they may be counted from any
            direction that is the same for all photos of a place.
        times_s: (N,) float64 or None. Seconds since 1970, UTC; NaN if unknown. Photos of one
            visit have the same time or times that are close together.
        place_ids: (N,) int64 or None. Photos with equal numbers show the same place; -1 if
            unknown.
        sequence_ids: (N,) int64 or None. Photos with equal numbers were taken on one drive, walk
            or flight; -1 if unknown.
        altitudes_m: (N,) float64 or None. Metres above the datum that the source states; NaN where
            unknown.
        fields_of_view_deg: (N,) float64 or None. Horizontal angle that a photo takes in, in
            (0, 360]; NaN if unknown.
        points_seen: (N, M) scipy.sparse.csr_array of bool or None. Which points of the world each
            photo shows, from depth, a 3-D model or structure from motion.
        is_query: (N,) bool or None. Photos that are looked up. None: all of them.
        is_database: (N,) bool or None. Photos that are searched. None: all of them.
        frame: str. The frame that positions are measured in, such as `"UTM 30U"`, `"local"` or
            `"frames"`.

    Raises:
        ValueError: If arrays differ in length, names repeat, or a position is not finite.
    """

    # `placevec.sources`, which reads cells, may import this room but not the other way around. So
    # it sets its reader here when it is imported.
    frame_reader: ClassVar[Callable[..., "PlaceDataset"] | None] = None

    root: Path
    names: NDArray[np.str_]
    positions_m: NDArray[np.float64] | None = None
    headings_deg: NDArray[np.float64] | None = None
    times_s: NDArray[np.float64] | None = None
    place_ids: NDArray[np.int64] | None = None
    sequence_ids: NDArray[np.int64] | None = None
    altitudes_m: NDArray[np.float64] | None = None
    fields_of_view_deg: NDArray[np.float64] | None = None
    points_seen: "scipy.sparse.csr_array | None" = None
    # `__post_init__` replaces None.
    is_query: NDArray[np.bool_] = None  # pyright: ignore[reportAssignmentType]
    is_database: NDArray[np.bool_] = None  # pyright: ignore[reportAssignmentType]
    frame: str = "local"

    def __post_init__(self) -> None:
        names = np.asarray(self.names, dtype=np.str_)
        if names.ndim != 1:
            raise ValueError(f"`names` must be one list. Received: shape {names.shape}")
        count = len(names)
        _set(self, "root", Path(self.root))
        _set(self, "names", names)
        if self.is_query is None:
            _set(self, "is_query", np.ones(count, dtype=bool))
        if self.is_database is None:
            _set(self, "is_database", np.ones(count, dtype=bool))
        for field, dtype, shape in _ARRAYS:
            values = getattr(self, field)
            if values is None:
                continue
            values = np.asarray(values, dtype=dtype)
            if values.shape != (count, *shape):
                raise ValueError(
                    f"`{field}` must have shape {(count, *shape)}, one row for each name. "
                    f"Received: shape {values.shape}"
                )
            _set(self, field, values)
        if self.points_seen is not None:
            seen = scipy.sparse.csr_array(self.points_seen, dtype=bool)
            if seen.shape[0] != count:
                raise ValueError(
                    f"`points_seen` must have {counted(count, 'row')}, one for each name. "
                    f"Received: shape {seen.shape}"
                )
            _set(self, "points_seen", seen)
        _refuse_repeated_names(names)
        if self.positions_m is not None:
            bad = ~(np.abs(self.positions_m) <= _FARTHEST_M).all(axis=1)
            if bad.any():
                raise ValueError(
                    f"`positions_m` must be finite, at most {_FARTHEST_M:g} m from 0. Received: "
                    f"{bad.sum()} of {count} that are not (first: {names[bad][0]})"
                )

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame", root: Path | str | None = None) -> "PlaceDataset":
        """Makes a data set from a pandas table with a row for each photo.

        Args:
            frame: DataFrame. Columns as in the files of `table:` (docs/formats.md): `file`, then
                `lat,lon` in degrees or `east,north` in metres, or `place`; optional `utm_zone`,
                `heading_deg`, `time`, `sequence`, `altitude_m`, `fov_deg`, `role`.
            root: Path or None. Folder that `file` is relative to. None: the folder of the data set
                if `to_frame` made the table, else the current folder.

        Returns:
            PlaceDataset, in the order of the rows. The photos may be missing.

        Raises:
            ValueError: If a column or a position is missing, a file is named twice, or a value
                cannot be read or is out of range.
            ImportError: If neither `placevec.sources` nor `placevec.PlaceDataset` was imported.
        """
        if cls.frame_reader is None:
            raise ImportError(
                "`from_frame` needs the readers of placevec.sources. Import that package first, or "
                "take PlaceDataset from placevec"
            )
        return cls.frame_reader(frame, root)

    def to_frame(self) -> "pd.DataFrame":
        """Returns the data set as a pandas table, which `from_frame` reads.

        Returns:
            DataFrame with a row for each photo, in their order, and those columns of `from_frame`
            that are known. `time` is in seconds since 1970. An unknown place or sequence is -1,
            other unknown numbers are NaN. Its `attrs` keep the root and the frame. The points that
            photos see are left out.
        """
        import pandas as pd

        columns: dict[str, object] = {"file": self.names.astype(object)}
        if self.positions_m is not None:
            columns |= {"east": self.positions_m[:, 0], "north": self.positions_m[:, 1]}
            if is_zone_frame(self.frame):
                columns["utm_zone"] = self.frame.removeprefix("UTM ")
        for column, field in _COLUMNS.items():
            if (values := getattr(self, field)) is not None:
                columns[column] = values
        columns["role"] = np.select(
            [self.is_query & self.is_database, self.is_query, self.is_database],
            ["both", "query", "database"],
            "neither",
        ).astype(object)
        frame = pd.DataFrame(columns)
        frame.attrs = {"root": str(self.root), "frame": self.frame}
        return frame

    def __repr__(self) -> str:
        fields = ("positions_m", *_COLUMNS.values())
        known = [field for field in fields if getattr(self, field) is not None]
        words = ", ".join(re.sub("_(m|deg|s)$", "", field).replace("_", " ") for field in known)
        where = f"{words}; frame {self.frame!r}" if words else "no positions"
        return (
            f"PlaceDataset({counted(len(self), 'photo')} in {str(self.root)!r}, "
            f"{counted(len(self.queries), 'query', 'queries')}, {len(self.database)} in the "
            f"database; {where})"
        )

    def _repr_html_(self) -> str:
        """Returns the line of `repr` and the first rows, for notebooks."""
        rows = self.take(np.arange(min(_ROWS_SHOWN, len(self)))).to_frame()
        return f"<p>{html.escape(repr(self))}</p>{rows.to_html()}"

    def __len__(self) -> int:
        return len(self.names)

    @property
    def queries(self) -> NDArray[np.int64]:
        """Indices of the photos that are looked up, (Q,) int64."""
        return np.flatnonzero(self.is_query)

    @property
    def database(self) -> NDArray[np.int64]:
        """Indices of the photos that are searched, (M,) int64."""
        return np.flatnonzero(self.is_database)

    @property
    def has_places(self) -> bool:
        """Whether positions or identities are given."""
        return self.positions_m is not None or self.place_ids is not None

    def require_places(self) -> None:
        """Refuses photos without both positions and identities.

        Raises:
            ValueError: If `has_places` is false.
        """
        if not self.has_places:
            raise ValueError(
                "A data set needs `positions_m` or `place_ids`. Received: neither for the photos "
                f"in {self.root}. Name them as READER:PATH, or add a table of positions"
            )

    def known(self, field: str) -> NDArray[Any]:
        """Returns one of the arrays, and refuses None.

        Args:
            field: str. Name of the array, such as `"positions_m"`.

        Raises:
            ValueError: If the array is None.
        """
        values = getattr(self, field)
        if values is None:
            raise ValueError(
                f"`{field}` of the photos in {self.root} must be known. Received: None. Add them "
                "to the table of the photos, or name a source that has them"
            )
        return values

    @property
    def unit(self) -> str:
        """The unit of positions and distances: `"m"`, `"units"` or `"frames"`."""
        return unit_of(self.frame)

    def path(self, index: int | NDArray[np.integer]) -> Path:
        """Returns the file of one photo."""
        return self.root / str(self.names[index])

    def paths(self, indices: NDArray[np.integer] | None = None) -> list[Path]:
        """Returns the files of the photos at `indices` (default: of all), in that order."""
        names = self.names if indices is None else self.names[indices]
        return [self.root / str(name) for name in names]

    def take(self, indices: NDArray[np.integer]) -> "PlaceDataset":
        """Returns a data set with only the photos at `indices`, in that order."""
        kept: dict[str, Any] = {
            field: None if getattr(self, field) is None else getattr(self, field)[indices]
            for field in (*(field for field, _, _ in _ARRAYS), "points_seen")
        }
        return PlaceDataset(self.root, self.names[indices], frame=self.frame, **kept)


_ARRAYS = (
    ("positions_m", np.float64, (2,)),
    ("headings_deg", np.float64, ()),
    ("times_s", np.float64, ()),
    ("place_ids", np.int64, ()),
    ("sequence_ids", np.int64, ()),
    ("altitudes_m", np.float64, ()),
    ("fields_of_view_deg", np.float64, ()),
    ("is_query", np.bool_, ()),
    ("is_database", np.bool_, ()),
)

# Column of a table of photos -> the field that it belongs to.
_COLUMNS = {
    "heading_deg": "headings_deg",
    "time": "times_s",
    "place": "place_ids",
    "sequence": "sequence_ids",
    "altitude_m": "altitudes_m",
    "fov_deg": "fields_of_view_deg",
}


def _set(dataset: PlaceDataset, field: str, value: object) -> None:
    object.__setattr__(dataset, field, value)


def _refuse_repeated_names(names: NDArray[np.str_]) -> None:
    repeated = [name for name, count in Counter(names.tolist()).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{len(repeated)} file names appear more than once (first: {repeated[0]}). "
            "Name each photo once"
        )
