"""Photos of plain colours, and descriptors of them that can be worked out by hand."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_photos(tmp_path):
    """Returns a function that writes one photo of 32x48 for each (red, green, blue)."""

    def write(colors):
        paths = []
        for number, color in enumerate(colors):
            pixels = np.full((32, 48, 3), color, np.uint8)
            paths.append(tmp_path / f"photo{number:02d}.png")
            cv2.imwrite(str(paths[-1]), pixels[..., ::-1])
        return paths

    return write


@pytest.fixture
def mean_color():
    """Returns a model: a photo's mean color, of unit length."""

    def model(photos):
        means = photos.astype(np.float32).mean(axis=(1, 2)) + 1e-3
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    return model
