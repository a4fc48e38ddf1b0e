import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from placevec.images import AugmentWorkers, augmenter, photo_rng

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 24, 32, 3), np.uint8)
INDICES = [4, 7, 4]


def expected(preset="street", photos=PHOTOS):
    change = augmenter(preset)
    pairs = zip(photos, INDICES, strict=True)
    return np.stack([change(photo, photo_rng(5, 2, index)) for photo, index in pairs])


def augmented(workers, photos=PHOTOS):
    return workers.augment(photos, seed=5, epoch=2, indices=np.array(INDICES))


def is_running(process_id):
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def workers():
    with AugmentWorkers("street", num_workers=2, max_bytes=PHOTOS.nbytes) as opened:
        yield opened


def test_augments_as_the_preset_does_in_this_process(workers):
    np.testing.assert_array_equal(augmented(workers), expected())
    assert not np.array_equal(augmented(workers), PHOTOS)


def test_several_threads_may_ask_at_once(workers):
    results = [None] * 8

    def ask(place):
        results[place] = augmented(workers, PHOTOS + np.uint8(place))

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, result in enumerate(results):
        np.testing.assert_array_equal(result, expected(photos=PHOTOS + np.uint8(place)))


def test_a_killed_worker_is_replaced_and_its_photos_come_all_the_same(workers):
    before = workers.process_ids
    for process_id in before:
        os.kill(process_id, signal.SIGKILL)
    for _ in range(2):
        np.testing.assert_array_equal(augmented(workers), expected())
    assert set(workers.process_ids).isdisjoint(before)


def test_what_the_preset_refuses_is_raised_here_and_the_worker_lasts(workers):
    before = workers.process_ids
    two_channels = np.ascontiguousarray(PHOTOS[..., :2])
    with pytest.raises(ValueError, match="augments photos of 1 or 3 channels"):
        augmented(workers, two_channels)
    np.testing.assert_array_equal(augmented(workers), expected())
    assert workers.process_ids == before


def test_presets_of_imgaug_come_out_the_same():
    with AugmentWorkers("typical", num_workers=1, max_bytes=PHOTOS.nbytes) as opened:
        np.testing.assert_array_equal(augmented(opened), expected("typical"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_workers_and_their_memory_end_with_a_killed_parent():
    code = (
        "import time; from placevec.images import AugmentWorkers\n"
        "workers = AugmentWorkers('light', num_workers=2, max_bytes=1000).__enter__()\n"
        "print(*workers.process_ids, flush=True); time.sleep(60)"
    )
    shared = Path("/dev/shm")
    before = set(shared.iterdir()) if shared.is_dir() else set()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    ids = [int(each) for each in parent.stdout.readline().split()]
    assert len(ids) == 2 and all(map(is_running, ids))
    left = set(shared.iterdir()) - before if shared.is_dir() else set()
    assert not left  # the memory has no name, so nobody has to clean it up
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while any(map(is_running, ids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, ids))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no shared memory")
def test_where_the_shared_memory_is_too_small_the_disk_is_taken(monkeypatch):
    files, reserve = [], os.posix_fallocate

    def reserve_on_disk(descriptor, start, num_bytes):
        files.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        if len(files) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        reserve(descriptor, start, num_bytes)

    monkeypatch.setattr(os, "posix_fallocate", reserve_on_disk)
    with AugmentWorkers("street", num_workers=1, max_bytes=PHOTOS.nbytes) as opened:
        np.testing.assert_array_equal(augmented(opened), expected())
    in_memory, on_disk = files
    assert in_memory.startswith("/dev/shm/") and not on_disk.startswith("/dev/shm/")


def test_refuses_what_it_cannot_do(workers):
    with pytest.raises(ValueError, match="at most 6912 bytes. Received: 13824 bytes"):
        augmented(workers, np.concatenate([PHOTOS, PHOTOS]))
    with pytest.raises(RuntimeError, match="must be open"):
        augmented(AugmentWorkers("street", num_workers=1, max_bytes=PHOTOS.nbytes))
    with pytest.raises(ValueError, match="only take augmentations by name"):
        AugmentWorkers(lambda photo, rng: photo, num_workers=1, max_bytes=1)
    with pytest.raises(ValueError, match="Did you mean street"):
        AugmentWorkers("strete", num_workers=1, max_bytes=1)
    with pytest.raises(ValueError, match="must be positive. Received: num_workers=0"):
        AugmentWorkers("street", num_workers=0, max_bytes=1)
