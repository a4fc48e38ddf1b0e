import shutil

import numpy as np
import pytest

from placevec.images import UnreadableImageError, read_image
from placevec.sources import open_places
from placevec.training.tuples.descriptor_cache import DescriptorCache

pytestmark = pytest.mark.one_backend
SIZE = (32, 48)


def mean_colors(photos):
    return photos.reshape(len(photos), -1, 3).mean(axis=1).astype(np.float32) / 255


@pytest.fixture
def dataset(made_places):
    return open_places(f"folder:{made_places / 'train'}")


@pytest.fixture
def expected(dataset):
    return mean_colors(np.stack([read_image(path, image_size=SIZE) for path in dataset.paths()]))


def make(folder, dataset, dtype="float32"):
    return DescriptorCache(folder, dataset, dtype=dtype, image_size=SIZE)


@pytest.mark.parametrize(("dtype", "error", "num_bytes"), [("float32", 0, 4), ("float16", 1e-3, 2)])
def test_holds_descriptors_on_disk(tmp_path, dataset, expected, dtype, error, num_bytes):
    rows = np.arange(len(dataset))
    cache = make(tmp_path, dataset, dtype)
    assert cache.refresh(mean_colors, rows, epoch=0) == len(dataset)
    size = (tmp_path / "cache.npy").stat().st_size
    assert 0 < size - len(dataset) * 3 * num_bytes <= 128  # the header
    for each in (cache, make(tmp_path, dataset, dtype)):  # the same, taken up from disk
        assert each[rows[[4, 2]]].dtype == np.float32
        np.testing.assert_allclose(each[rows[[4, 2]]], expected[[4, 2]], atol=error + 1e-7)


def test_describes_what_is_needed_alone(tmp_path, dataset):
    cache = make(tmp_path, dataset)
    assert cache.refresh(mean_colors, np.array([1, 3]), epoch=0) == 2
    assert cache.refresh(mean_colors, np.array([1, 3, 4]), epoch=1, is_due=False) == 1
    assert cache.refresh(mean_colors, np.array([1, 3, 4]), epoch=1, is_due=False) == 0
    assert cache.described_at[[1, 3, 4, 5]].tolist() == [0, 0, 1, -1]


def test_refreshes_the_oldest_share(tmp_path, dataset, expected):
    rows = np.arange(8)
    cache = make(tmp_path, dataset)
    cache.refresh(mean_colors, rows[:4], epoch=0)
    cache.refresh(mean_colors, rows, epoch=1, is_due=False)
    assert cache.refresh(lambda photos: 2 * mean_colors(photos), rows, epoch=2, share=0.25) == 2
    np.testing.assert_allclose(cache[rows[:2]], 2 * expected[:2], rtol=1e-6)
    np.testing.assert_allclose(cache[rows[2:]], expected[2:8], rtol=1e-6)


def never(photos):
    raise AssertionError("a photo was described")


def test_describes_nothing_where_the_descriptors_are_known(tmp_path, dataset, expected):
    cache = make(tmp_path, dataset)
    rows = np.array([1, 3])
    assert cache.refresh(never, rows, epoch=0, described=expected) == 2
    np.testing.assert_array_equal(cache[rows], expected[rows])
    assert cache.described_at[:4].tolist() == [-1, 0, -1, 0]


def test_a_known_descriptor_of_zeros_is_that_of_a_photo_that_cannot_be_read(tmp_path, dataset):
    known = np.ones((len(dataset), 3), np.float32)
    known[2] = 0
    with pytest.raises(UnreadableImageError, match=f"1 photo of .*{dataset.names[2]}"):
        make(tmp_path, dataset).refresh(never, np.arange(4), epoch=0, described=known)
    cache = DescriptorCache(
        tmp_path, dataset, dtype="float32", image_size=SIZE, skip_unreadable=True
    )
    cache.refresh(never, np.arange(4), epoch=0, described=known)
    assert cache.readable(np.arange(4)).tolist() == [0, 1, 3]


def test_a_refresh_that_was_killed_is_done_again(tmp_path, dataset, expected):
    rows = np.arange(6)
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=0)
    killed = make(tmp_path, dataset)
    killed._keep(rows[:3], 2 * expected[:3], np.arange(3))
    again = make(tmp_path, dataset)
    assert again.refresh(lambda photos: 2 * mean_colors(photos), rows, epoch=1, share=0.5) == 3
    np.testing.assert_allclose(again[rows[:3]], 2 * expected[:3], rtol=1e-6)
    assert again.described_at[:6].tolist() == [1, 1, 1, 0, 0, 0]


def test_a_refresh_that_was_finished_is_not_done_again_for_the_same_epoch(tmp_path, dataset):
    rows = np.arange(6)
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=0)
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=1, share=0.5)
    again = make(tmp_path, dataset)
    assert again.refresh(mean_colors, rows, epoch=1, share=0.5) == 0
    assert again.described_at[:6].tolist() == [1, 1, 1, 0, 0, 0]


def test_a_cache_file_that_is_gone_takes_its_ages_along(tmp_path, dataset, expected):
    rows = np.arange(6)
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=0)
    (tmp_path / "cache.npy").unlink()
    killed = make(tmp_path, dataset)
    killed._keep(rows[:3], expected[:3], np.arange(3))
    assert (make(tmp_path, dataset).described_at == -1).all()


def test_goes_on_where_a_whole_part_cannot_be_read_when_told(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr("placevec.training.tuples.descriptor_cache._PHOTOS_PER_WRITE", 2)
    broken = tmp_path / "broken"
    shutil.copytree(dataset.root, broken)
    for row in (2, 3):
        (broken / dataset.names[row]).write_bytes(b"no photo")
    rows = np.arange(6)
    cache = DescriptorCache(
        tmp_path, open_places(f"folder:{broken}"), dtype="float32", image_size=SIZE,
        skip_unreadable=True,
    )  # fmt: skip
    cache.refresh(mean_colors, rows, epoch=0)
    assert cache.readable(rows).tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize("name", ["cache.npy", "cache_state.npz"])
def test_begins_again_where_files_are_damaged(tmp_path, dataset, name):
    rows = np.arange(len(dataset))
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=0)
    (tmp_path / name).write_bytes(b"damaged")
    assert make(tmp_path, dataset).refresh(mean_colors, rows, epoch=1, is_due=False) == len(rows)


def test_writes_to_no_file_that_a_link_leads_to(tmp_path, dataset):
    rows = np.arange(len(dataset))
    make(tmp_path, dataset).refresh(mean_colors, rows, epoch=0)
    (tmp_path / "cache.npy").rename(tmp_path / "victim")
    (tmp_path / "cache.npy").symlink_to(tmp_path / "victim")
    before = (tmp_path / "victim").read_bytes()
    make(tmp_path, dataset).refresh(lambda photos: mean_colors(photos) + 1, rows, epoch=1)
    assert (tmp_path / "victim").read_bytes() == before


def test_begins_again_for_other_photos_or_numbers(tmp_path, dataset):
    make(tmp_path, dataset).refresh(mean_colors, np.arange(len(dataset)), epoch=0)
    assert (make(tmp_path, dataset, "float16").described_at == -1).all()
    assert (make(tmp_path, dataset.take(np.arange(5))).described_at == -1).all()


def test_says_that_the_disk_is_full(tmp_path, dataset, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match="--cache-dtype float16"):
        make(tmp_path, dataset).refresh(mean_colors, np.arange(3), epoch=0)
    assert not (tmp_path / "cache.npy").exists()
