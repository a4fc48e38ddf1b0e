"""Smooth noise, the base of most random textures."""

import cv2
import numpy as np
from numpy.typing import NDArray


def draw_noise(
    rng: np.random.Generator, size: tuple[int, int], grain: float
) -> NDArray[np.float32]:
    """Returns smooth noise.

    Args:
        rng: np.random.Generator. Source of the noise.
        size: (rows, cols). Size of the picture.
        grain: float. Size of the grains in pixels, at least 1.

    Returns:
        (rows, cols) float32, of mean 0 and standard deviation about 1.
    """
    rows, cols = (max(2, int(np.ceil(s / grain)) + 1) for s in size)
    coarse = rng.standard_normal((rows, cols), dtype=np.float32)
    noise = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(noise, np.float32)
