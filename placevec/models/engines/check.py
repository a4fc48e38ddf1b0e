"""Checks that an engine gives the same descriptors as Keras."""

import platform
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.models.engines.outputs import Outputs, descriptors_of

LARGEST_DIFFERENCE = 1e-5
"""Maximum difference of a dimension of two descriptors of unit length in float32."""

_COUNT = 8
# The difference of outputs that cannot be compared, because JSON has no infinity.
_FARTHEST = float(np.finfo(np.float32).max)


def compare(
    run: Callable[[NDArray[np.uint8]], Outputs],
    reference: Callable[[NDArray[np.uint8]], Outputs],
    photos: NDArray[np.uint8],
) -> dict:
    """Describes photos with an engine and with a reference, and returns how much they differ.

    Args:
        run: callable. The engine: `(B, H, W, C)` uint8 to `(B, D)`, with or without local features.
        reference: callable. The same with Keras in float32.
        photos: (N, H, W, C) uint8.

    Returns:
        dict with `largest_difference`, of any dimension of descriptors and local features, and
        `least_cosine`, of descriptors.
    """
    pairs = [(reference(photo[None]), run(photo[None])) for photo in photos]
    difference = max(_difference(*pair) for pair in pairs)
    if not np.isfinite(difference):
        return {"largest_difference": _FARTHEST, "least_cosine": -1.0}
    expected, received = (
        np.concatenate([np.asarray(descriptors_of(each), np.float32) for each in side])
        for side in zip(*pairs, strict=True)
    )
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(received, axis=1)
    cosines = np.sum(expected * received, axis=1) / np.maximum(lengths, 1e-12)
    return {"largest_difference": float(difference), "least_cosine": float(cosines.min())}


def recorded(
    descriptors: NDArray[np.float32],
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Returns a reference for `compare` that replays recorded descriptors in order.

    Args:
        descriptors: (N, D) float32. The descriptors of the N photos that `compare` gets.
    """
    rows = iter(descriptors)
    return lambda _: next(rows)[None]


def _difference(expected: Outputs, received: Outputs) -> float:
    """Returns the largest difference of outputs: infinity if shapes differ, NaN if one is NaN."""
    both = [each if isinstance(each, tuple) else (each,) for each in (expected, received)]
    if [np.shape(each) for each in both[0]] != [np.shape(each) for each in both[1]]:
        return np.inf
    differences = (
        np.abs(np.subtract(*pair, dtype=np.float32)).max() for pair in zip(*both, strict=True)
    )
    return float(np.max(list(differences)))


def check_photos(image_size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Makes photos of coarse and fine texture, (8, H, W, C) uint8, which are always the same."""
    rows, columns = image_size
    rng = np.random.default_rng(0)
    photos = np.zeros((_COUNT, rows, columns, channels), np.float32)
    for cell in (64, 16, 4, 1):
        shape = (max(2, rows // cell), max(2, columns // cell), channels)
        for photo in photos:
            noise = rng.normal(scale=8 + cell / 2, size=shape).astype(np.float32)
            resized = cv2.resize(noise, (columns, rows), interpolation=cv2.INTER_LINEAR)
            photo += resized.reshape(photo.shape)
    return np.clip(photos + 120, 0, 255).astype(np.uint8)


def cpu_name() -> str:
    """Returns the name of the processor, because an engine's result depends on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
