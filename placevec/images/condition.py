"""Checks the files of photos: their sizes, which cannot be read, and which are the same."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.images.duplicates.fingerprint import (
    digest,
    fingerprint,
    near_duplicates,
    near_duplicates_across,
)
from placevec.images.metadata.header import read_header
from placevec.images.metadata.several_pictures import tell_of_several_pictures
from placevec.images.read import MAX_BYTES, UnreadableImageError
from placevec.images.read_ahead import read_ahead
from placevec.images.videos.frame_names import find_frame
from placevec.images.videos.video import frame_size
from placevec.input_file import read_bytes, shown
from placevec.progress import Progress, no_progress


class Condition(NamedTuple):
    """What was found in one file, or in one frame of a video.

    Args:
        num_bytes: int. Size of the file; 0 for a frame, which has no file of its own.
        size: (int, int). Rows and columns that its header declares; 0 if it cannot be read.
        digest: bytes. 16 bytes, equal for equal files, or for frames with equal decoded pixels.
        perceptual_hash: (8,) uint64 or None. See `fingerprint`; None if it was not decoded.
        problem: str. Why it is not a complete photo, as the second half of a sentence; otherwise
            empty.
    """

    num_bytes: int = 0
    size: tuple[int, int] = (0, 0)
    digest: bytes = bytes(16)
    perceptual_hash: NDArray[np.uint64] | None = None
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Conditions:
    """What was found in many files, in arrays.

    Args:
        num_bytes: (N,) int64. Sizes of the files; 0 for frames of videos.
        sizes: (N, 2) int32. Rows and columns; 0 if they cannot be read.
        digests: (N, 2) uint64. Equal for equal files.
        perceptual_hashes: (N, 8) uint64; 0 if not decoded.
        is_decoded: (N,) bool. Which photos were decoded.
        problems: dict of row -> why the file is not a complete photo.
    """

    num_bytes: NDArray[np.int64]
    sizes: NDArray[np.int32]
    digests: NDArray[np.uint64]
    perceptual_hashes: NDArray[np.uint64]
    is_decoded: NDArray[np.bool_]
    problems: dict[int, str]

    def equal_files(self) -> list[NDArray[np.int64]]:
        """Returns the rows of each group of readable photos with equal files, ascending."""
        rows = self._whole()
        _, group, counts = np.unique(
            self.digests[rows], axis=0, return_inverse=True, return_counts=True
        )
        group = group.ravel()
        repeated = counts[group] > 1
        rows, group = rows[repeated], group[repeated]
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order])) + 1
        groups = np.split(rows[order], starts) if len(rows) else []
        return sorted(groups, key=lambda each: each[0])

    def nearly_equal(self, max_bits: int) -> NDArray[np.int64]:
        """Returns (n, 2) int64: pairs of photos that look the same although their files differ.

        Args:
            max_bits: int. See `near_duplicates`.
        """
        rows = np.flatnonzero(self.is_decoded)
        _, first = np.unique(self.digests[rows], axis=0, return_index=True)
        rows = rows[np.sort(first)]  # one row per group of equal files
        return rows[near_duplicates(self.perceptual_hashes[rows], max_bits)]

    def same_across(self, sides: NDArray[np.integer], max_bits: int) -> NDArray[np.int64]:
        """Returns (n, 2) int64: photos, each with a photo of another side that looks the same.

        Args:
            sides: (N,) int. Side that each photo is on; -1 for none.
            max_bits: int. See `near_duplicates_across`.
        """
        rows = self._whole()
        equal = near_duplicates_across(np.tile(self.digests[rows], 4), sides[rows], 0)
        decoded = np.flatnonzero(self.is_decoded)
        near = near_duplicates_across(self.perceptual_hashes[decoded], sides[decoded], max_bits)
        pairs = np.concatenate([rows[equal], decoded[near]])
        _, first = np.unique(np.stack([pairs[:, 0], sides[pairs[:, 1]]]), axis=1, return_index=True)
        return pairs[np.sort(first)]  # without repeats: equal photos are also nearly equal

    def _whole(self) -> NDArray[np.int64]:
        whole = np.ones(len(self.num_bytes), dtype=bool)
        whole[list(self.problems)] = False
        return np.flatnonzero(whole)


def condition_of(path: Path, *, decode: bool = True) -> Condition:
    """Checks one file, or one frame of a video.

    Args:
        path: Path. The file, or the frame in the form that `read_image` takes.
        decode: bool. Whether to decode the photo. If not, it reads only the header and the end; of
            a frame, only whether its video can be opened and announces it.
    """
    if frame := find_frame(path):
        return _condition_of_frame(path, *frame, decode)
    try:
        data = read_bytes(path, max_bytes=MAX_BYTES)
    except ValueError as error:
        return Condition(problem=str(error).removeprefix(f"{shown(path)} "))
    except OSError as error:
        return Condition(problem=f"cannot be opened: {error.strerror or 'No such file'}")
    try:
        size = read_header(data)
    except ValueError as error:
        return Condition(len(data), digest=digest(data), problem=str(error))
    tell_of_several_pictures(path, data)
    if not decode:
        return Condition(len(data), size, digest(data))
    try:
        return Condition(len(data), size, *fingerprint(path))
    except (UnreadableImageError, OSError) as error:
        return Condition(len(data), size, digest(data), problem=_problem(error, path))


def conditions_of(
    root: Path,
    names: Sequence[str] | NDArray[np.str_],
    *,
    decode: bool = True,
    num_workers: int,
    progress: Progress = no_progress,
) -> Conditions:
    """Checks many files, several at a time.

    Args:
        root: Path. Folder that the names are relative to.
        names: (N,) str. The files.
        decode: bool. Whether to decode the photos. If not, it reads only headers and ends.
        num_workers: int. Number of threads.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.
    """
    count = len(names)
    num_bytes = np.zeros(count, dtype=np.int64)
    sizes = np.zeros((count, 2), dtype=np.int32)
    digests = np.zeros((count, 2), dtype=np.uint64)
    hashes = np.zeros((count, 8), dtype=np.uint64)
    is_decoded = np.zeros(count, dtype=bool)
    problems = {}
    paths = (root / str(name) for name in names)
    look = partial(condition_of, decode=decode)
    found = read_ahead(look, paths, num_workers=num_workers, ahead=4 * num_workers)
    for row, each in enumerate(progress(found, total=count, unit="photo", desc="look")):
        num_bytes[row] = each.num_bytes
        sizes[row] = np.minimum(each.size, np.iinfo(np.int32).max)
        digests[row] = np.frombuffer(each.digest, dtype=np.uint64)
        if each.perceptual_hash is not None:
            hashes[row], is_decoded[row] = each.perceptual_hash, True
        if each.problem:
            problems[row] = each.problem
    return Conditions(num_bytes, sizes, digests, hashes, is_decoded, problems)


def _condition_of_frame(path: Path, video: str, frame: int, decode: bool) -> Condition:
    own = digest(os.fsencode(path))  # Without its pixels, a frame must not equal any other.
    try:
        size = frame_size(video, frame)
        if not decode:
            return Condition(size=size, digest=own)
        return Condition(0, size, *fingerprint(path))
    except (ValueError, OSError) as error:
        return Condition(digest=own, problem=_problem(error, video))


def _problem(error: Exception, path: Path | str) -> str:
    return str(error).removeprefix(f"{shown(path)} ").removeprefix(f"{path} ").partition(". ")[0]
