"""Records the photos of a run when it begins, and compares them when it is resumed."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from placevec.images.videos.frame_names import find_frame
from placevec.input_file import shown
from placevec.places import PlaceDataset
from placevec.training.run_files import MODEL, PHOTOS
from placevec.training.tuples.stream_batches import StreamPhotos
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_COLUMNS = ("setting", "name", "bytes", "modified_ns", "facts")
_FACTS = (
    "positions_m", "headings_deg", "times_s", "place_ids", "sequence_ids", "fields_of_view_deg",
    "is_query", "is_database",
)  # fmt: skip
_DIGEST_BYTES = 8


def record_photos(places: Mapping[str, PlaceDataset | StreamPhotos]) -> pa.Table:
    """Records names, sizes, modification times and facts of photos, so that changes are noticed.

    Args:
        places: dict of setting -> photos, such as `{"places": ..., "validation": ...}`. For a
            stream, the files of its scenery are recorded.

    Returns:
        pyarrow.Table. A row for each photo: `setting`, `name`, `bytes` and `modified_ns` (-1
        without a file), and `facts`, a digest of everything that is known about the photo.
    """
    rows = [(setting, *row) for setting, each in places.items() for row in _rows(each)]
    columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    return pa.table(dict(zip(_COLUMNS, columns, strict=True)))


def write_record(folder: Path, record: pa.Table) -> None:
    """Writes the complete record into the folder of a run, or nothing."""
    with whole_file(folder / PHOTOS) as unfinished:
        pq.write_table(record, unfinished)


def require_same_photos(folder: Path, now: pa.Table) -> None:
    """Refuses to resume a run with other photos than it began with.

    If only the modification time of a file differs, it logs a warning, because copying photos also
    changes it. A run of an earlier version has no record, so its photos are recorded now.

    Args:
        folder: Path. The run.
        now: pyarrow.Table. What `record_photos` returns now.

    Raises:
        ValueError: If photos are new, missing, in another order, of another size, or have other
            positions or roles; or if the record cannot be read.
    """
    path = folder / PHOTOS
    if not path.exists():
        _log.warning(
            "%s does not say which photos the run began with: they are recorded now", folder
        )
        write_record(folder, now)
        return
    try:
        before = pq.read_table(path, columns=list(_COLUMNS))
        rows_before = before.to_pylist()
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{path} cannot be read, so the run cannot be resumed ({shown(error)})"
        ) from error
    rows_now = now.to_pylist()
    for setting in dict.fromkeys(row["setting"] for row in rows_now):
        then, there = (
            {row["name"]: row for row in rows if row["setting"] == setting}
            for rows in (rows_before, rows_now)
        )
        if changes := list(_changes(then, there)):
            raise ValueError(
                f"The photos of `{setting}` have changed since the run in {folder} began: "
                f"{', '.join(changes)}. Put them back as they were, or train in another "
                f"`--out`, optionally from these weights: `--model.weights {folder / MODEL}`"
            )
        newer = [name for name in there if there[name]["modified_ns"] != then[name]["modified_ns"]]
        if newer:
            _log.warning(
                "The modification time differs from the start of the run, but not the size: %s of "
                "`%s`. If pixels changed, train in another `--out`",
                _counted(newer), setting,
            )  # fmt: skip


def _changes(then: Mapping[str, dict], there: Mapping[str, dict]) -> Iterator[str]:
    """Yields as text which photos changed, apart from their modification times."""
    kinds = {
        "new": [name for name in there if name not in then],
        "missing": [name for name in then if name not in there],
    }
    both = [name for name in there if name in then]
    kinds["with another file size"] = [
        name for name in both if then[name]["bytes"] != there[name]["bytes"]
    ]
    kinds["with another position, heading, time, place or role"] = [
        name for name in both if then[name]["facts"] != there[name]["facts"]
    ]
    for kind, names in kinds.items():
        if names:
            yield f"{_counted(names)} {kind}"
    if not any(kinds.values()) and list(then) != list(there):
        yield "another order"


def _counted(names: list[str]) -> str:
    return f"{len(names)} {'photo' if len(names) == 1 else 'photos'} (first: {shown(names[0])})"


def _rows(places: PlaceDataset | StreamPhotos) -> Iterator[tuple[str, int, int, bytes]]:
    """Yields name, size, modification time and digest of facts of each photo."""
    if isinstance(places, StreamPhotos):
        for path in places.files:
            yield (str(path), *_size_and_time(path), b"")
        return
    known = [getattr(places, fact) for fact in _FACTS]
    facts = zip(*(each.tolist() for each in known if each is not None), strict=True)
    videos: dict[Path, tuple[int, int]] = {}
    for row, (name, values) in enumerate(zip(places.names.tolist(), facts, strict=True)):
        path = places.path(row)
        if frame := find_frame(path):
            video = Path(frame[0])
            if video not in videos:
                videos[video] = _size_and_time(video)
            state = videos[video]
        else:
            state = _size_and_time(path)
        digest = hashlib.blake2b(repr(values).encode(), digest_size=_DIGEST_BYTES)
        if places.points_seen is not None:
            seen = places.points_seen
            digest.update(np.sort(seen.indices[seen.indptr[row] : seen.indptr[row + 1]]).tobytes())
        yield (name, *state, digest.digest())


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return -1, -1
    return state.st_size, state.st_mtime_ns
