import cv2
import numpy as np
import pytest

from placevec.models import Engine
from placevec.places import PlaceDataset

SIZE = (32, 48)


def by_pixels(photos):
    """A network that anyone can follow: the pixels, less gray, scaled to unit length."""
    found = photos.reshape(len(photos), -1).astype(np.float32) - 127.5
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def engine():
    return Engine(
        name="keras",
        precision="float32",
        image_size=SIZE,
        channels=3,
        batch_size=8,
        parallel_calls=1,
        descriptor_dim=3 * SIZE[0] * SIZE[1],
        model_id="by-pixels",
        largest_difference=None,
        least_cosine=None,
        run=by_pixels,
    )


@pytest.fixture
def two_laps(tmp_path):
    """Returns a run of two laps past 40 places, on a circle of 200 m, a photo a second."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 256, (40, *SIZE, 3))
    names = []
    for number in range(80):
        noise = rng.normal(0, 10, places[0].shape)
        photo = np.clip(places[number % 40] + noise, 0, 255).astype(np.uint8)
        names.append(f"{number}.png")
        cv2.imwrite(str(tmp_path / names[-1]), photo)
    angles = 2 * np.pi * np.arange(80) / 40
    circle_m = 200 / (2 * np.pi) * np.stack([np.sin(angles), np.cos(angles)], 1)
    return PlaceDataset(
        tmp_path,
        names,
        positions_m=circle_m,
        headings_deg=(90 + np.degrees(angles)) % 360,
        times_s=1.7e9 + np.arange(80),
    )
