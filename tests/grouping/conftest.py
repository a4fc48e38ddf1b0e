"""Photos of places that anyone can tell apart, and a network that looks at their pixels."""

import cv2
import numpy as np
import pytest

from placevec.models import Engine
from placevec.places import PlaceDataset

SIZE = (32, 48)


def by_pixels(photos):
    found = photos.reshape(len(photos), -1).astype(np.float32) - 127.5
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def engine():
    return Engine("keras", "float32", SIZE, 3, 8, 1, 3 * SIZE[0] * SIZE[1], "by-pixels", None, None,
                  by_pixels)  # fmt: skip


@pytest.fixture
def heap(tmp_path):
    """Returns a function that writes photos of places, a number of each, and opens them."""

    def write(*counts):
        rng = np.random.default_rng(0)
        names = []
        for place, count in enumerate(counts):
            look = rng.integers(0, 256, (*SIZE, 3))
            for visit in range(count):
                photo = np.clip(look + rng.normal(0, 10, look.shape), 0, 255).astype(np.uint8)
                names.append(f"{place}_{visit}.png")
                cv2.imwrite(str(tmp_path / names[-1]), photo)
        return PlaceDataset(tmp_path, names)

    return write
