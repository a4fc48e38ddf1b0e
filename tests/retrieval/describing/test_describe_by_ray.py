import functools
import importlib
import importlib.util
import os
import signal
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from placevec.retrieval import describe_by_ray, describe_in_batches

NAMES = [f"{number}.png" for number in range(11)]
HAS_RAY = importlib.util.find_spec("ray") is not None


# In a module of its own, as processes of Ray must import it.
MEANS = '''
import os
import time


class Means:
    """Describes a photo by the mean of each channel; may be slow, and tells who works."""

    def __init__(self, pids=None, seconds=0.0):
        self.seconds = seconds
        if pids is not None:
            (pids / str(os.getpid())).touch()

    def __call__(self, photos):
        time.sleep(self.seconds)
        return photos.mean(axis=(1, 2)) / 255
'''


@pytest.fixture
def means(tmp_path, monkeypatch):
    (tmp_path / "means_of_channels.py").write_text(MEANS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("means_of_channels").Means
    sys.modules.pop("means_of_channels")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in NAMES:
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (8, 10, 3), np.uint8))
    return folder


def mean_of_channels():
    return lambda photos: photos.mean(axis=(1, 2)) / 255


def by_ray(photos, open_model=mean_of_channels, names=NAMES, **changes):
    settings = {"num_workers": 2, "batch_size": 2, "image_size": (8, 10)} | changes
    return list(describe_by_ray(open_model, [photos / name for name in names], **settings))


def test_refuses_what_it_cannot_do(photos):
    with pytest.raises(ValueError, match="No photos"):
        by_ray(photos, names=[])
    with pytest.raises(ValueError, match="Received: num_workers=0"):
        by_ray(photos, num_workers=0)


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_says_how_to_get_ray(photos):
    with pytest.raises(ImportError, match="pip install 'placevec.ray.'"):
        by_ray(photos)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="needs Ray: pip install 'placevec[ray]'")
def test_two_workers_one_of_them_killed_give_the_bytes_of_one_process(
    photos, tmp_path, means, monkeypatch
):
    module = sys.modules[
        "placevec.retrieval.describing.describe_by_ray"
    ]  # the package has its function
    monkeypatch.setattr(module, "_BATCHES_OF_A_PART", 1)
    (photos / NAMES[4]).write_bytes(b"no photo")
    pids = tmp_path / "pids"
    pids.mkdir()
    killed = []

    def kill_one():
        while not killed:
            time.sleep(0.05)
            for path in pids.iterdir():
                time.sleep(0.7)  # in the middle of a part
                killed.append(int(path.name))
                os.kill(killed[0], signal.SIGKILL)
                break

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    found = by_ray(photos, functools.partial(means, pids, 0.5))
    killer.join(1)
    assert killed and len(list(pids.iterdir())) >= 3  # another process took its place
    paths = [photos / name for name in NAMES]
    alone = list(describe_in_batches(mean_of_channels(), paths, batch_size=2, image_size=(8, 10)))
    for batches in (found, alone):
        assert [place for _, places in batches for place in places] == [0, 1, 2, 3, *range(5, 11)]
    ours, expected = (np.concatenate([rows for rows, _ in batches]) for batches in (found, alone))
    assert ours.tobytes() == expected.astype(np.float32).tobytes()
