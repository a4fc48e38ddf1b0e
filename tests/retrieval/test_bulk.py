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

from placevec.retrieval import describe, describe_bulk, read_shards

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


def bulk(photos, out, open_model=mean_of_channels, names=NAMES, **changes):
    settings = {"shard_size": 4, "batch_size": 2, "image_size": (8, 10)} | changes
    return describe_bulk(open_model, photos, names, out, **settings)


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_shards_hold_what_describe_returns(photos, tmp_path):
    assert bulk(photos, tmp_path / "out") == 3
    shards = list(read_shards(tmp_path / "out"))
    paths = [photos / name for name in NAMES]
    expected, _ = describe(mean_of_channels(), paths, batch_size=2, image_size=(8, 10))
    assert [len(names) for names, _ in shards] == [4, 4, 3]
    assert np.concatenate([names for names, _ in shards]).tolist() == NAMES
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in shards]), expected)


def test_photos_that_cannot_be_read_are_left_out_of_their_shard(photos, tmp_path):
    for name in NAMES[3:9]:  # the whole second shard, and parts of its neighbours
        (photos / name).write_bytes(b"no photo")
    bulk(photos, tmp_path / "out")
    names = np.concatenate([names for names, _ in read_shards(tmp_path / "out")])
    assert names.tolist() == [*NAMES[:3], *NAMES[9:]]
    assert bulk(photos, tmp_path / "out") == 0


def test_goes_on_where_a_run_was_stopped(photos, tmp_path):
    out = tmp_path / "out"

    class StopError(Exception):
        pass

    def stopping(iterable, **_):
        for done in iterable:
            yield done
            raise StopError

    bulk(photos, tmp_path / "whole")
    with pytest.raises(StopError):
        bulk(photos, out, progress=stopping)
    (out / ".unfinished-000001.npy").write_bytes(b"half")
    with pytest.raises(FileNotFoundError, match="Shard 1 of 3 in .* is missing"):
        list(read_shards(out))
    before = (out / "000000.npy").stat().st_mtime_ns
    assert bulk(photos, out) == 2
    assert (out / "000000.npy").stat().st_mtime_ns == before
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"batch_size": 4}, "batch_size"), ({"shard_size": 5}, "shard_size"),
     ({"model_id": "other"}, "model"), ({"names": NAMES[::-1]}, "photos"),
     ({"image_size": (4, 4)}, "image_size")],
)  # fmt: skip
def test_refuses_a_folder_of_other_photos_or_settings(photos, tmp_path, changes, what):
    bulk(photos, tmp_path / "out")
    with pytest.raises(ValueError, match=f"holds shards with other .*{what}"):
        bulk(photos, tmp_path / "out", **changes)


def test_refuses_what_it_cannot_do(photos, tmp_path):
    with pytest.raises(ValueError, match="No photos"):
        bulk(photos, tmp_path / "out", names=[])
    with pytest.raises(ValueError, match="Received: shard_size=0"):
        bulk(photos, tmp_path / "out", shard_size=0)
    with pytest.raises(FileNotFoundError, match="holds no shards"):
        list(read_shards(tmp_path))


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_says_how_to_get_ray(photos, tmp_path):
    with pytest.raises(ImportError, match="pip install 'placevec.ray.'"):
        bulk(photos, tmp_path / "out", num_workers=2)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="needs Ray: pip install 'placevec[ray]'")
def test_two_workers_of_ray_one_of_them_killed_write_the_bytes_of_one_process(
    photos, tmp_path, means
):
    bulk(photos, tmp_path / "alone", shard_size=1)
    pids = tmp_path / "pids"
    pids.mkdir()
    killed = []

    def kill_one():
        while not killed:
            time.sleep(0.05)
            if any((tmp_path / "out").glob("0*.names.npy")):
                killed.append(int(next(pids.iterdir()).name))
                os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    slow = functools.partial(means, pids, 0.5)
    assert bulk(photos, tmp_path / "out", slow, shard_size=1, num_workers=2) == 11
    killer.join(1)
    assert killed and len(list(pids.iterdir())) >= 3  # another process took its place
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")
