"""Photos that a vector confuses and local features tell apart."""

import cv2
import numpy as np
import pytest

from placevec.models import Engine

CELL = 8


@pytest.fixture
def patches(mean_color):
    """An engine: a photo's mean color, and its cells of 8x8 pixels as local features."""

    def run(photos):
        count, rows, columns, channels = photos.shape
        cells = photos.astype(np.float32).reshape(
            count, rows // CELL, CELL, columns // CELL, CELL, channels
        )
        cells = cells.transpose(0, 1, 3, 2, 4, 5).reshape(count, rows // CELL, columns // CELL, -1)
        cells = cells - cells.mean(axis=-1, keepdims=True) + 1e-3
        return mean_color(photos), cells / np.linalg.norm(cells, axis=-1, keepdims=True)

    return Engine("made", "float32", (32, 48), 3, 2, 1, 3, "an id", None, None, run)


@pytest.fixture
def textures(tmp_path):
    """Returns a function that writes photos of 32x48 of a texture each, tinted red, to a folder."""

    def write(folder, **tints):
        home = tmp_path / folder
        home.mkdir()
        for name, (seed, red) in tints.items():
            pixels = np.random.default_rng(seed).integers(60, 180, (32, 48, 3), np.uint8)
            pixels[..., 0] += np.uint8(red)
            cv2.imwrite(str(home / f"{name}.png"), pixels[..., ::-1])
        return home

    return write
