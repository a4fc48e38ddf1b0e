import logging
import os

import numpy as np
import pytest
from scipy import sparse

from placevec.places import PlaceDataset
from placevec.training.run.photo_record import record_photos, require_same_photos, write_record
from placevec.training.run_files import PHOTOS
from placevec.training.tuples.stream_batches import StreamPhotos

pytestmark = pytest.mark.one_backend
NAMES = ["a.jpg", "b.jpg", "c.jpg"]


@pytest.fixture
def photos(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(b"12345")
        os.utime(tmp_path / name, (1, 1))
    return tmp_path


def dataset(root, names=NAMES, **facts):
    facts = {"positions_m": np.arange(2.0 * len(names)).reshape(-1, 2)} | facts
    return PlaceDataset(root, names, **facts)


def compare(folder, before, now):
    write_record(folder, record_photos({"places": before}))
    require_same_photos(folder, record_photos({"places": now}))


def test_the_same_photos_go_on_in_silence(photos, caplog):
    compare(photos, dataset(photos), dataset(photos))
    assert not caplog.text


def test_a_photo_that_is_new_or_missing_is_named(photos):
    with pytest.raises(ValueError, match=r"of `places` have changed.*1 photo \(first: c.jpg\) new"):
        compare(photos, dataset(photos, NAMES[:2]), dataset(photos))
    with pytest.raises(ValueError, match=r"2 photos \(first: b.jpg\) missing.*--out"):
        compare(photos, dataset(photos), dataset(photos, NAMES[:1]))


def test_a_photo_of_another_size_is_named(photos):
    write_record(photos, record_photos({"validation": dataset(photos)}))
    (photos / "b.jpg").write_bytes(b"123456")
    with pytest.raises(
        ValueError, match=r"`validation`.*1 photo \(first: b.jpg\) with another file"
    ):
        require_same_photos(photos, record_photos({"validation": dataset(photos)}))


@pytest.mark.parametrize(
    "facts",
    [
        {"positions_m": [[0, 1], [2, 3], [4, 5.5]]},
        {"headings_deg": [1, 2, np.nan]},
        {"is_query": [True, True, False]},
        {"times_s": [1, 2, 3]},
        {"points_seen": sparse.csr_array([[1, 0], [1, 0], [0, 1]], dtype=bool)},
    ],
)
def test_another_fact_of_a_photo_is_told(photos, facts):
    with pytest.raises(ValueError, match="with another position, heading, time, place or role"):
        compare(photos, dataset(photos), dataset(photos, **facts))


def test_another_order_draws_other_tuples_and_is_told(photos):
    positions_m = np.zeros((3, 2))
    before, now = (dataset(photos, n, positions_m=positions_m) for n in (NAMES, NAMES[::-1]))
    with pytest.raises(ValueError, match="another order"):
        compare(photos, before, now)


def test_a_newer_file_of_the_same_size_is_warned_about(photos, caplog):
    write_record(photos, record_photos({"places": dataset(photos)}))
    os.utime(photos / "c.jpg", (2, 2))
    require_same_photos(photos, record_photos({"places": dataset(photos)}))
    assert "but not the size: 1 photo (first: c.jpg) of `places`" in caplog.text


def test_frames_of_a_video_are_as_old_as_their_video(photos):
    (photos / "v.mp4").write_bytes(b"123")
    frames = dataset(photos, ["v.mp4#000000", "v.mp4#000001"])
    write_record(photos, record_photos({"places": frames}))
    (photos / "v.mp4").write_bytes(b"1234")
    with pytest.raises(ValueError, match=r"2 photos \(first: v.mp4#000000\) with another file"):
        require_same_photos(photos, record_photos({"places": frames}))


def test_the_model_file_of_a_stream_counts(photos):
    stream = StreamPhotos("stream:a.jpg", None, 1, (photos / "a.jpg",))
    write_record(photos, record_photos({"places": stream}))
    (photos / "a.jpg").write_bytes(b"1")
    with pytest.raises(ValueError, match="with another file size"):
        require_same_photos(photos, record_photos({"places": stream}))


def test_a_run_without_a_record_gets_one(photos, caplog):
    caplog.set_level(logging.WARNING)
    require_same_photos(photos, record_photos({"places": dataset(photos)}))
    assert "does not say which photos" in caplog.text
    require_same_photos(photos, record_photos({"places": dataset(photos)}))


def test_a_damaged_record_is_one_line(photos):
    (photos / PHOTOS).write_bytes(b"PAR1 no table\n PAR1")
    with pytest.raises(
        ValueError, match="photos.parquet cannot be read, so the run cannot be resumed"
    ):
        require_same_photos(photos, record_photos({"places": dataset(photos)}))
