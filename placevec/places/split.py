"""Splits photos into train, val and test, so that no place is in two splits."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.config.choices import SPLITS_BY, SplitBy
from placevec.counted import counted
from placevec.places.dataset import PlaceDataset

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """The split of each photo in a data set.

    Args:
        names: (N,) str. One of `SPLITS`, or `""` if the photo is left out.
        left_out: (N,) str. Why the photo is left out, such as `"buffer"`, or `""`.
    """

    names: NDArray[np.str_]
    left_out: NDArray[np.str_]

    def rows(self, name: str) -> NDArray[np.int64]:
        """Returns the rows of a split's photos, (n,) int64, ascending."""
        return np.flatnonzero(self.names == name)

    def without(self, rows: NDArray[np.integer], reason: str) -> "Split":
        """Returns the split without some photos.

        Args:
            rows: (n,) int. Rows of the data set.
            reason: str. Why they are left out. Photos that are already left out keep their reason.
        """
        names, left_out = self.names.copy(), self.left_out.astype(object)
        rows = rows[names[rows] != ""]
        names[rows], left_out[rows] = "", reason
        return Split(names, left_out.astype(np.str_))

    def without_pairs(self, pairs: NDArray[np.integer], reason: str) -> "Split":
        """Returns the split without photos that also exist in another split.

        For each pair, the photo of the split with fewer photos is left out.

        Args:
            pairs: (n, 2) int. Rows of photos that are the same.
            reason: str. Why they are left out.
        """
        sides = self.names[pairs]
        pairs = pairs[(sides[:, 0] != sides[:, 1]) & (sides != "").all(axis=1)]
        smaller = np.argmax(self.sides()[pairs], axis=1)
        return self.without(np.unique(np.take_along_axis(pairs, smaller[:, None], 1)), reason)

    def sides(self) -> NDArray[np.int64]:
        """Returns the split of each photo by size: 0 the largest, 1, 2 smaller ones, -1 none."""
        sides = np.full(len(self.names), -1)
        for place, name in enumerate(reversed(self.by_size())):
            sides[self.names == name] = place
        return sides

    def by_size(self) -> list[str]:
        """Returns the names of the splits, from the fewest photos to the most."""
        return sorted(SPLITS, key=lambda name: (self.names == name).sum())


def split_photos(
    dataset: PlaceDataset,
    *,
    by: SplitBy,
    val_share: float,
    test_share: float,
    buffer_m: float,
    seed: int = 0,
) -> Split:
    """Splits photos by where they were taken, by drive or by time.

    - `area` gives each split one piece of ground, so that the buffer costs few photos. It cuts test
      off one side of the ground, then val off one side of the rest. The seed chooses the sides.
      Without positions, it assigns whole places.
    - `sequence` assigns whole sequences.
    - `time` puts the earliest photos into train and the latest into test.

    No place is in two splits. A val photo nearer than `buffer_m` to a test photo is left out, then
    a train photo nearer than that to a val or test photo. So train, the largest split, loses the
    most photos to the buffer. The same rule holds for photos of one known place. If the sequence,
    time or place that decides is unknown for a photo, it is left out.

    Args:
        dataset: PlaceDataset.
        by: str. `"area"`, `"sequence"` or `"time"`.
        val_share: float. Share of the photos for val before the buffer, in [0, 1).
        test_share: float. Share of the photos for test before the buffer, in [0, 1).
        buffer_m: float. Minimum distance between photos of two splits, in metres. 0: no buffer, and
            a split by sequence or time may have a place in two splits.
        seed: int. The same seed gives the same split.

    Returns:
        Split.

    Raises:
        ValueError: If a number is out of range, the data set does not have the values to split by,
            or a split would be empty.

    Example:

    >>> line = PlaceDataset("photos", list("abcdef"), positions_m=[[i * 40, 0] for i in range(6)])
    >>> split_photos(line, by="area", val_share=0.3, test_share=0.3, buffer_m=30).names.tolist()
    ['test', 'test', 'train', 'train', 'val', 'val']
    """
    shares = {"train": 1.0 - val_share - test_share, "val": val_share, "test": test_share}
    if not (min(shares.values()) >= 0 and shares["train"] > 0 and val_share + test_share > 0):
        raise ValueError(
            "`val_share` and `test_share` must not be negative, and add up to more than 0 and "
            f"less than 1. Received: val_share={val_share}, test_share={test_share}"
        )
    if not 0 <= buffer_m < np.inf:
        raise ValueError(f"`buffer_m` must not be negative. Received: buffer_m={buffer_m}")
    wanted = {name: share for name, share in shares.items() if share > 0}
    rng = np.random.default_rng(seed)
    if by == "area" and dataset.positions_m is not None:
        names = _cut_ground(dataset.positions_m, wanted, rng)
        split = Split(names, np.full(len(dataset), ""))
    else:
        split = _split_units(_units(dataset, by), by, wanted, rng)
    _refuse_empty(split, wanted, dataset, "Choose a larger share, or split by something else")
    split = _apart(split, dataset, buffer_m)
    _refuse_empty(split, wanted, dataset, f"Lower `buffer_m` ({buffer_m:g}), 0 for none")
    return split


def draw_roles(
    dataset: PlaceDataset, split: Split, *, query_share: float, seed: int = 0
) -> NDArray[np.str_]:
    """Decides which photos of each split are looked up and which are searched.

    Existing roles stay. If all photos have both roles, photos of train keep both. In val and test,
    whole visits become queries and the others the database. A visit is a sequence or, if these are
    unknown, a day, or else a single photo. The seed chooses the visits.

    Args:
        dataset: PlaceDataset.
        split: Split of its photos.
        query_share: float. Share of the queries, in (0, 1). Whole visits approximate it.
        seed: int.

    Returns:
        (N,) str. `"query"`, `"database"`, `"both"`, or `""` if the photo is left out.

    Raises:
        ValueError: If `query_share` is out of range.
    """
    if not 0 < query_share < 1:
        raise ValueError(f"`query_share` must be in (0, 1). Received: query_share={query_share}")
    searched = np.where(dataset.is_database, "database", "")
    roles = np.where(dataset.is_query, np.where(dataset.is_database, "both", "query"), searched)
    if (roles == "both").all():
        for place, name in enumerate(("val", "test")):
            rows = split.rows(name)
            if len(rows) < 2:
                continue
            visits = _visits(dataset, rows)
            order = np.random.default_rng([seed, place]).permutation(visits.max() + 1)
            counts = np.cumsum(np.bincount(visits)[order])[:-1]
            first = np.argmin(np.abs(counts - query_share * len(rows))) + 1
            roles[rows] = np.where(np.isin(visits, order[:first]), "query", "database")
    return np.where(split.names == "", "", roles)


def _cut_ground(
    positions_m: NDArray[np.float64], wanted: dict[str, float], rng: np.random.Generator
) -> NDArray[np.str_]:
    """Cuts ground for each split but the first, across the longer side of what remains."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned_m = (positions_m - positions_m.mean(axis=0)) @ turn
    first, *others = wanted
    names, rest = np.full(len(positions_m), first, dtype="U5"), np.arange(len(positions_m))
    for num_left, name in zip(range(len(others), 0, -1), others[::-1], strict=True):
        axis = np.argmax(np.ptp(turned_m[rest], axis=0))
        along_m = turned_m[rest, axis] * rng.choice([-1, 1])
        order = np.argsort(along_m, kind="stable")
        cut = _cut(along_m[order], wanted[name] * len(positions_m), num_left)
        names[rest[order[:cut]]] = name
        rest = rest[order[cut:]]
    return names


def _units(dataset: PlaceDataset, by: SplitBy) -> NDArray[np.int64]:
    """Returns for each photo the number of its unit, which is never split; -1 if unknown."""
    if by == "area":
        dataset.require_places()
        place_ids = dataset.known("place_ids")
        return _numbered(place_ids, place_ids != -1)
    if by == "sequence" and dataset.sequence_ids is not None:
        units = _numbered(dataset.sequence_ids, dataset.sequence_ids != -1)
        if units.max(initial=-1) < 1:
            raise ValueError(
                f"A split by sequence needs 2 sequences or more. Received: {units.max() + 1} in "
                f"{dataset.root}. Split by area or time"
            )
        return units
    if by == "time" and dataset.times_s is not None:
        return _numbered(dataset.times_s, ~np.isnan(dataset.times_s))
    if by not in SPLITS_BY:
        raise ValueError(f"`by` must be one of {', '.join(SPLITS_BY)}. Received: by={by!r}")
    raise ValueError(
        f"A split by {by} needs {by}s, and the photos in {dataset.root} have none. Split by area, "
        f"or give them in the column `{by}` of a table"
    )


def _split_units(
    units: NDArray[np.int64], by: SplitBy, wanted: dict[str, float], rng: np.random.Generator
) -> Split:
    """Assigns whole units to the splits, at least one to each."""
    names, known = np.full(len(units), "", dtype="U5"), np.flatnonzero(units >= 0)
    if (count := int(units.max(initial=-1)) + 1) < len(wanted):
        what = "places" if by == "area" else f"{by}s"
        raise ValueError(
            f"A split into {', '.join(wanted)} needs {len(wanted)} {what} or more. Received: "
            f"{count}. Set `val_share` or `test_share` to 0, or split by something else"
        )
    assign = _cut_in_order if by == "time" else _give_away
    names[known] = assign(units[known], wanted, rng)
    unknown = "place unknown" if by == "area" else f"{by} unknown"
    return Split(names, np.where(units >= 0, "", unknown))


def _cut(ascending: NDArray[np.float64], target: float, num_left: int) -> int:
    """Returns the index nearest to `target` at which a cut falls between two different values.

    After the cut, `num_left` different values remain if there are enough. 0: all are equal.
    """
    cuts = np.flatnonzero(np.diff(ascending) > 0) + 1
    cuts = cuts[: max(len(cuts) - num_left + 1, 1)]
    return int(cuts[np.argmin(np.abs(cuts - target))]) if len(cuts) else 0


def _give_away(
    units: NDArray[np.int64], wanted: dict[str, float], rng: np.random.Generator
) -> NDArray[np.str_]:
    """Assigns whole units, in random order, each to the split that needs the most photos."""
    counts = np.bincount(units)
    names, needed = list(wanted), np.array(list(wanted.values())) * len(units)
    targets = needed.copy()
    taker = np.empty(len(counts), dtype=np.int64)
    for unit in rng.permutation(len(counts)):
        taker[unit] = np.argmax(needed)
        needed[taker[unit]] -= counts[unit]
    while not (owned := np.bincount(taker, minlength=len(names))).all():
        poor = np.argmin(owned)
        rich = np.argmin(np.where(owned > 1, needed, np.inf))
        units_of_rich = np.flatnonzero(taker == rich)
        given = units_of_rich[np.argmin(np.abs(counts[units_of_rich] - targets[poor]))]
        taker[given] = poor
        needed[rich] += counts[given]
        needed[poor] -= counts[given]
    return np.array(names)[taker[units]]


def _cut_in_order(
    units: NDArray[np.int64], wanted: dict[str, float], _: object
) -> NDArray[np.str_]:
    """Cuts units, which are numbered in their order, into one run per split."""
    ends = np.cumsum(np.bincount(units))  # number of photos up to each unit
    names, shares = list(wanted), np.cumsum(list(wanted.values()))
    split_of_unit, start = np.full(len(ends), names[-1], dtype="U5"), 0
    for place, name in enumerate(names[:-1]):
        # One unit is left for each later split.
        stops = np.arange(start, len(ends) - (len(names) - 1 - place))
        if not len(stops):
            break
        stop = stops[np.argmin(np.abs(ends[stops] - shares[place] * len(units)))] + 1
        split_of_unit[start:stop] = name
        start = stop
    return split_of_unit[units]


def _apart(split: Split, dataset: PlaceDataset, buffer_m: float) -> Split:
    """Leaves out photos near a split of higher rank, or of a place that such a split has."""
    if buffer_m == 0:
        return split
    for lesser, greater in (("val", ("test",)), ("train", ("test", "val"))):
        for reason, is_too_near in (("buffer", _is_near), ("same place", _is_same)):
            rows, others = split.rows(lesser), np.flatnonzero(np.isin(split.names, greater))
            if len(rows) and len(others):
                split = split.without(rows[is_too_near(dataset, rows, others, buffer_m)], reason)
    return split


def _is_near(
    dataset: PlaceDataset, rows: NDArray[np.int64], others: NDArray[np.int64], buffer_m: float
) -> NDArray[np.bool_]:
    if dataset.positions_m is None:
        return np.zeros(len(rows), dtype=bool)
    tree = scipy.spatial.KDTree(dataset.positions_m[others])
    distances_m, _ = tree.query(dataset.positions_m[rows], distance_upper_bound=buffer_m)
    return distances_m < buffer_m  # infinite if no photo is near


def _is_same(
    dataset: PlaceDataset, rows: NDArray[np.int64], others: NDArray[np.int64], _: float
) -> NDArray[np.bool_]:
    if dataset.place_ids is None:
        return np.zeros(len(rows), dtype=bool)
    places = dataset.place_ids[rows]
    return (places != -1) & np.isin(places, dataset.place_ids[others])


def _visits(dataset: PlaceDataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the number, from 0 on, of the visit that each photo was taken on."""
    if dataset.sequence_ids is not None and (dataset.sequence_ids[rows] != -1).all():
        visits = _numbered(dataset.sequence_ids[rows])
        if visits.max() > 0:
            return visits
    if dataset.times_s is not None and not np.isnan(dataset.times_s[rows]).any():
        visits = _numbered(dataset.times_s[rows] // 86_400)
        if visits.max() > 0:
            return visits
    return np.arange(len(rows))


def _numbered(
    values: NDArray[np.number], is_known: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Numbers values from 0 on, in their order; -1 if they are not known."""
    known = np.ones(len(values), dtype=bool) if is_known is None else is_known
    numbers = np.full(len(values), -1, dtype=np.int64)
    numbers[known] = np.unique(values[known], return_inverse=True)[1]
    return numbers


def _refuse_empty(
    split: Split, wanted: dict[str, float], dataset: PlaceDataset, way_out: str
) -> None:
    empty = [name for name in wanted if not len(split.rows(name))]
    if empty:
        raise ValueError(
            f"Each split must have photos. Received: none left in {' and '.join(empty)} of the "
            f"{counted(len(dataset), 'photo')} in {dataset.root}. {way_out}"
        )
