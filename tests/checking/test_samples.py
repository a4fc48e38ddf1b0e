import base64

import cv2
import numpy as np
import pytest

from placevec.checking.samples import draw_samples
from placevec.config import CheckConfig
from placevec.sources import open_places


def picture(samples):
    data = np.frombuffer(base64.b64decode(samples.jpeg_base64), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def test_draws_as_many_tuples_as_told_and_the_same_for_a_seed(town):
    dataset = open_places(str(town))
    two, again = (draw_samples(dataset, CheckConfig(samples=2)) for _ in range(2))
    assert two == again
    assert picture(two).shape[0] == pytest.approx(2 * 100, abs=2)
    assert [what.split(",")[0] for _, what in two.captions].count("query") == 2
    assert draw_samples(dataset, CheckConfig(samples=2, seed=1)).captions != two.captions
    assert "12 of 12 queries" in two.message


def test_each_photo_is_read_once_and_frames_of_a_video_in_their_order(town, monkeypatch):
    dataset, read = open_places(str(town)), []

    def thumbnail(path):
        read.append(path)
        return np.zeros((3, 4, 3), np.uint8)

    monkeypatch.setattr("placevec.checking.samples.find_thumbnail", thumbnail)
    draw_samples(dataset, CheckConfig(samples=6))
    assert read == sorted(set(read), key=[dataset.path(row) for row in range(len(dataset))].index)


def test_says_of_each_photo_why_it_is_there(town):
    samples = draw_samples(open_places(str(town)), CheckConfig(samples=1))
    (_, query), (_, positive), (_, negative), _ = samples.captions
    assert query.startswith("query, ")
    assert positive.startswith("positive: 5.0 m apart")
    assert negative.startswith("negative: ")


def test_says_why_there_are_no_tuples(town):
    samples = draw_samples(open_places(str(town)), CheckConfig(radius_m=1))
    assert samples.jpeg_base64 == ""
    assert "has a positive" in samples.message
    assert draw_samples(open_places(str(town)), CheckConfig(radius_m=2000)).captions == []


def test_positives_and_negatives_are_those_of_a_training_with_these_limits(town):
    dataset = open_places(str(town))  # headings 180 degrees apart at each place
    limits = {"radius_m": 10, "negative_radius_m": 300}
    samples = draw_samples(dataset, CheckConfig(**limits))
    assert "positives within 10 m, negatives beyond 300 m, the seed 0" in samples.message
    apart = [float(what.split()[1]) for _, what in samples.captions if what[:3] == "neg"]
    assert apart and min(apart) > 300
    by_heading = draw_samples(dataset, CheckConfig(**limits, max_heading_difference_deg=45))
    assert by_heading.captions == []
    assert "lift the limits on heading" in by_heading.message


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"negative_radius_m": 5}, "negative_radius_m"),
        ({"max_heading_difference_deg": 181}, "max_h"),
    ],
)
def test_refuses_limits_that_contradict_each_other(settings, match):
    with pytest.raises(ValueError, match=match):
        CheckConfig(**settings)


def test_a_photo_that_cannot_be_read_is_left_white(town, caplog):
    dataset = open_places(str(town))
    for path in dataset.paths():
        path.write_bytes(b"no photo")  # as --quick does not find out
    samples = draw_samples(dataset, CheckConfig(samples=2))
    assert picture(samples).shape[0] == pytest.approx(2 * 100, abs=2)
    assert len(samples.captions) and "Left blank: " in caplog.text
