"""Made sets of photos that look different from each other."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def draw():
    """Returns a function that writes one photo, different for each seed."""

    def write(path, seed, quality=95):
        noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = cv2.resize(noise, (64, 48), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])

    return write


@pytest.fixture
def town(tmp_path, draw):
    """A clean set: 2 sequences of 6 photos, in places of two, 200 m apart."""
    root = tmp_path / "town"
    lines = ["file,east,north,heading_deg,time,place,sequence"]
    for i in range(12):
        draw(root / f"photos/{i}.jpg", seed=i)
        sequence, step = divmod(i, 6)
        east, time_s = 200 * step + 5 * sequence, 1000 * sequence + 10 * step
        lines.append(f"photos/{i}.jpg,{east},3,{30 * i},{time_s},{step},{sequence}")
    (root / "images.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def rewrite():
    """Returns a function that replaces a text in the table of a set."""

    def replace(root, old, new):
        table = root / "images.csv"
        text = table.read_text()
        assert old in text
        table.write_text(text.replace(old, new))

    return replace
