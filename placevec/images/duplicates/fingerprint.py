"""Finds photos that are the same byte for byte, or nearly, such as after another compression."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images.read import MAX_BYTES, read_image, resize_image
from placevec.images.videos.frame_names import find_frame
from placevec.input_file import read_bytes

_SIDE = 16  # comparisons along a row, and along a column
NUM_BITS = 2 * _SIDE * _SIDE
_MOST_COMPARED = 64  # A photo is compared with at most this many others of a band.
_CHUNK = 65_536  # pairs that are compared at once


class Fingerprint(NamedTuple):
    """What is needed of a photo to decide whether another one is the same.

    Args:
        digest: bytes. 16 bytes, equal for equal files, or for frames with equal pixels.
        perceptual_hash: (8,) uint64. 512 bits, nearly equal for photos that look the same.
    """

    digest: bytes
    perceptual_hash: NDArray[np.uint64]


def fingerprint(path: Path | str) -> Fingerprint:
    """Returns the fingerprint of a photo, or of a frame of a video.

    The perceptual hash is the difference hash. The photo is converted to gray and shrunk to 17x17
    pixels. For each pixel, one bit says whether it is darker than its right neighbor, and another
    whether it is darker than the one below. Compression, size and even changes of light alter few
    of the 512 bits. A frame has no file of its own, so its digest is that of its decoded pixels.

    Args:
        path: Path. The file, or the frame in the form that `read_image` takes.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableImageError: If it is not a complete photo.
    """
    side = _SIDE + 1
    if find_frame(path) is None:
        # A JPEG decoder that shrinks to this size itself loses differences of one gray level.
        gray = resize_image(read_image(path, channels=1)[:, :, 0], side, side)
        data = read_bytes(path, max_bytes=MAX_BYTES)
    else:
        pixels = read_image(path)
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        gray = resize_image(gray, side, side)
        data = pixels.tobytes()
    gray = gray.astype(np.int16)
    bits = np.stack([np.diff(gray, axis=1)[:-1] > 0, np.diff(gray, axis=0)[:, :-1] > 0])
    return Fingerprint(digest(data), np.packbits(bits.ravel()).view(np.uint64))


def digest(data: bytes) -> bytes:
    """Returns 16 bytes that are equal for equal data and differ otherwise."""
    return hashlib.blake2b(data, digest_size=16).digest()


def near_duplicates(hashes: NDArray[np.uint64], max_bits: int = 31) -> NDArray[np.int64]:
    """Finds pairs of photos whose perceptual hashes differ in few bits.

    Two hashes that differ in fewer than 32 of their 512 bits are equal in at least one of 32 bands
    of 16 bits. So only photos that share a band are compared, and memory grows with the number of
    photos and of pairs found, not with the number of all pairs. If very many photos share a band
    (flat gray photos, or a camera that does not move), each is compared only with the next 64, and
    not all of their pairs are found.

    Args:
        hashes: (N, 8) uint64.
        max_bits: int. Largest number of bits that may differ, 0 to 31. Defaults to `31`.

    Returns:
        (n, 2) int64, ascending: rows of the pairs, the smaller row first.

    Raises:
        ValueError: If `hashes` or `max_bits` is not as above.

    Example:

    >>> hashes = np.zeros((3, 8), dtype=np.uint64)
    >>> hashes[1, 0] = 0b111
    >>> hashes[2] = 2**40 - 1
    >>> near_duplicates(hashes, max_bits=3).tolist()
    [[0, 1]]
    """
    hashes, bands = _check(hashes, max_bits)
    count = len(hashes)
    found = np.empty(0, dtype=np.int64)  # a pair (i, j) is the number i * N + j
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        near = [found]
        for apart in range(1, min(_MOST_COMPARED, count - 1) + 1):
            (same,) = np.nonzero(band[order[apart:]] == band[order[:-apart]])
            if not len(same):
                break
            near.append(_near_pairs(hashes, order[same], order[same + apart], max_bits))
        # NumPy 2.3 and later find equal numbers by hashing, which is a hundred times slower.
        found = np.sort(np.concatenate(near))
        found = found[np.diff(found, prepend=-1) > 0]
    return np.stack([found // max(count, 1), found % max(count, 1)], axis=1)


def near_duplicates_across(
    hashes: NDArray[np.uint64], sides: NDArray[np.integer], max_bits: int = 31
) -> NDArray[np.int64]:
    """Finds photos that have a near-duplicate on another side, such as in another split.

    It finds all of these photos, however many look alike. For each photo and each other side, it
    gives one near-duplicate. Memory does not grow with the number of pairs.

    Args:
        hashes: (N, 8) uint64. Perceptual hashes.
        sides: (N,) int. Side that each photo is on; -1 for none.
        max_bits: int. Largest number of bits that may differ, 0 to 31. Defaults to `31`.

    Returns:
        (n, 2) int64, ascending: a photo, and its near-duplicate on a side with a smaller number.

    Raises:
        ValueError: If an argument is not as above.

    Example:

    >>> hashes = np.zeros((4, 8), dtype=np.uint64)
    >>> hashes[3] = 2**64 - 1
    >>> near_duplicates_across(hashes, np.array([0, 1, 1, 0])).tolist()
    [[1, 0], [2, 0]]
    """
    hashes, bands = _check(hashes, max_bits)
    sides = np.asarray(sides)
    if sides.shape != (len(hashes),):
        raise ValueError(
            f"`sides` must have shape {(len(hashes),)}, one for each hash. Received: {sides.shape}"
        )
    numbers = np.unique(sides[sides != -1])
    found = [np.empty((0, 2), dtype=np.int64)]
    for place, side in enumerate(numbers):
        for other in numbers[:place]:
            rows, others = np.flatnonzero(sides == side), np.flatnonzero(sides == other)
            partner = np.full(len(rows), -1)
            for band in bands.T:
                _find_partners(hashes, band, rows, others, max_bits, partner)
            has_one = partner != -1
            found.append(np.stack([rows[has_one], partner[has_one]], axis=1))
    pairs = np.concatenate(found)
    return pairs[np.lexsort(pairs.T[::-1])]


def _check(
    hashes: NDArray[np.uint64], max_bits: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """Returns the hashes and their bands, (N, 32) uint16."""
    hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
    if hashes.ndim != 2 or hashes.shape[1] * 64 != NUM_BITS:
        raise ValueError(f"`hashes` must have shape (N, 8). Received: shape {hashes.shape}")
    bands = hashes.view(np.uint16)
    if not 0 <= max_bits < bands.shape[1]:
        raise ValueError(
            f"`max_bits` must be between 0 and {bands.shape[1] - 1}. Received: {max_bits}"
        )
    return hashes, bands


def _find_partners(
    hashes: NDArray[np.uint64],
    band: NDArray[np.uint16],
    rows: NDArray[np.int64],
    others: NDArray[np.int64],
    max_bits: int,
    partner: NDArray[np.int64],
) -> None:
    """Writes into `partner` a near-duplicate of each row that shares the band, if there is one."""
    others = others[np.argsort(band[others], kind="stable")]
    first = np.searchsorted(band[others], band[rows], side="left")
    last = np.searchsorted(band[others], band[rows], side="right")
    window = _MOST_COMPARED
    while True:  # The window starts small: most rows that have a partner find it there.
        (pending,) = np.nonzero((partner == -1) & (first < last))
        if not len(pending):
            return
        counts = np.minimum(last[pending] - first[pending], window)
        ends = np.cumsum(counts)
        for part in np.split(pending, np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK))):
            count = np.minimum(last[part] - first[part], window)
            owners = np.repeat(np.arange(len(part)), count)
            steps = np.arange(len(owners)) - np.repeat(np.cumsum(count) - count, count)
            candidates = others[first[part][owners] + steps]
            near = _bits_apart(hashes, rows[part[owners]], candidates) <= max_bits
            partner[part[owners[near]]] = candidates[near]
        first[pending] += counts
        window *= 4


def _bits_apart(
    hashes: NDArray[np.uint64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.int64]:
    return np.bitwise_count(hashes[one] ^ hashes[other]).sum(axis=1, dtype=np.int64)


def _near_pairs(
    hashes: NDArray[np.uint64], one: NDArray[np.int64], other: NDArray[np.int64], max_bits: int
) -> NDArray[np.int64]:
    """Returns the pairs that differ in few bits, each encoded as one number."""
    kept = []
    for start in range(0, len(one), _CHUNK):
        i, j = one[start : start + _CHUNK], other[start : start + _CHUNK]
        bits = _bits_apart(hashes, i, j)
        i, j = i[bits <= max_bits], j[bits <= max_bits]
        kept.append(np.minimum(i, j) * len(hashes) + np.maximum(i, j))
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)
