import math
import re

import cv2
import numpy as np
import pytest

from placevec.grouping import group
from placevec.grouping.group import group_descriptors
from placevec.places import PlaceDataset
from placevec.retrieval.calibration import Calibration, loops_score, write_calibrations


def places_of(found):
    """Returns the names of each group."""
    return [
        {str(found.dataset.names[row]) for row in found.members(number)}
        for number in range(1, found.numbers.max() + 1)
    ]


def test_photos_of_one_place_are_a_group(heap, engine):
    found = group(heap(2, 3, 1, 4, 1), engine, threshold=0.3)
    assert places_of(found) == [
        {f"{place}_{visit}.png" for visit in range(count)}
        for place, count in ((3, 4), (1, 3), (0, 2))
    ]
    assert str(found) == "3 groups of 9 of 11 photos; threshold 0.3, as given"
    assert repr(found) == f"Groups({found})"
    table = found.to_frame()
    assert table.columns.tolist() == ["file", "group", "similarity"] and len(table) == 11
    assert table["group"].tolist()[:9] == [1] * 4 + [2] * 3 + [3] * 2
    assert table["similarity"].tolist()[0] == 1 and table["group"].isna().tolist()[9:] == [True] * 2
    assert table["file"].tolist()[9:] == ["2_0.png", "4_0.png"]


def test_the_photos_show_a_threshold_by_themselves(heap, engine):
    found = group(heap(*[2] * 15, *[1] * 10), engine, precision=0.9)
    assert places_of(found) == [{f"{place}_0.png", f"{place}_1.png"} for place in range(15)]
    assert "estimated from the photos for a precision of 90 %" in str(found)


def test_a_place_of_many_photos_does_not_make_others_alike(heap, engine):
    found = group(heap(2, 14, 1), engine, threshold=0.3)
    assert [len(each) for each in places_of(found)] == [14, 2]


def test_photos_of_as_many_places_have_no_groups(heap, engine):
    found = group(heap(*[1] * 40), engine)
    assert not found.numbers.any()
    assert str(found).startswith("no groups in 40 photos")


def test_few_photos_do_not_show_a_high_precision(heap, engine):
    found = group(heap(2, 2, 2), engine)
    assert math.isinf(found.threshold)
    assert "95 % precision cannot be estimated from these photos. That needs at least 20" in str(
        found
    )


@pytest.mark.parametrize("threshold", [None, 1.9])
def test_photos_without_groups_name_a_threshold_that_makes_some(heap, engine, threshold):
    photos = heap(2, 2, 2)
    found = group(photos, engine, threshold=threshold)
    assert not found.numbers.any()
    named = float(re.search(r"Try `--threshold ([\d.]+)`", str(found))[1])
    assert group(photos, engine, threshold=named).numbers.any()


def test_two_photos_are_too_few(heap, engine):
    assert (
        str(group(heap(1, 1), engine)) == "no groups in 2 photos: grouping needs at least 3 photos"
    )


def test_one_photo_and_equal_photos_are_said_in_one_line(heap, engine, tmp_path):
    found = group(heap(1), engine)
    assert str(found) == "1 photo: there is nothing to group it with"
    assert found.to_frame()["group"].isna().all()
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"equal{number}.jpg"), np.full((32, 48, 3), 90, np.uint8))
    (tmp_path / "0_0.png").unlink()
    found = group(tmp_path, engine)
    assert str(found) == "all 3 photos look the same to the model: 1 group"
    assert found.numbers.tolist() == [1, 1, 1] and found.similarities.tolist() == [1, 1, 1]


def test_refuses_descriptors_that_are_not_finite():
    photos = PlaceDataset(".", ["a.jpg", "b.jpg"])
    with pytest.raises(ValueError, match="Descriptors must be finite"):
        group_descriptors(photos, np.array([[1, 0], [np.nan, 1]]), 0.1, precision=0.9)


def test_a_threshold_is_that_of_the_model(heap, engine, tmp_path):
    path = tmp_path / "threshold.json"
    score = loops_score(engine.image_size, sequence=1, rerank=None, min_inliers=None)
    thresholds = [{"precision": 0.95, "score": 0.3}]
    learned = Calibration(score, "photos", 60, 60, 0.0, 1.0, 0.0, thresholds)
    write_calibrations(path, "by-pixels", [learned])
    photos = heap(2, 2)
    assert group(photos, engine, threshold=path).threshold == 0.3
    write_calibrations(path, "another", [learned])
    with pytest.raises(ValueError, match="for another model"):
        group(photos, engine, threshold=path)


def test_refuses_before_it_describes(heap, tmp_path):
    def never(photos):
        raise AssertionError("described")

    photos = heap(2)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        group(photos, never, out=tmp_path / "missing" / "groups")
    with pytest.raises(ValueError, match="`precision` must be below 1"):
        group(photos, never, precision=95)
