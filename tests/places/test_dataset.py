from pathlib import Path

import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset


def test_converts_and_completes_its_fields():
    dataset = PlaceDataset("photos", ["b/1.jpg", "a.jpg"], positions_m=[[1, 2], [3, 4]])
    assert dataset.root == Path("photos")
    assert dataset.positions_m.dtype == np.float64
    assert len(dataset) == 2
    assert dataset.queries.tolist() == dataset.database.tolist() == [0, 1]
    assert dataset.path(0) == Path("photos/b/1.jpg")
    assert dataset.paths() == [Path("photos/b/1.jpg"), Path("photos/a.jpg")]
    assert dataset.paths(np.array([1])) == [Path("photos/a.jpg")]


def test_takes_a_part_in_the_given_order():
    dataset = PlaceDataset(
        "photos",
        ["a", "b", "c"],
        positions_m=np.arange(6).reshape(3, 2),
        headings_deg=[1, 2, 3],
        times_s=[4, 5, 6],
        place_ids=[7, 8, 9],
        is_query=[True, False, False],
        is_database=[False, True, True],
        frame="UTM 17T",
    )
    part = dataset.take(np.array([2, 0]))
    assert part.names.tolist() == ["c", "a"]
    assert part.positions_m.tolist() == [[4, 5], [0, 1]]
    assert part.headings_deg.tolist() == [3, 1]
    assert part.times_s.tolist() == [6, 4]
    assert part.place_ids.tolist() == [9, 7]
    assert (part.queries.tolist(), part.database.tolist()) == ([1], [0])
    assert part.frame == "UTM 17T"
    assert len(dataset.take(np.array([], dtype=int))) == 0


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({}, "`positions_m` or `place_ids`"),
        ({"positions_m": [[1, 2]]}, r"`positions_m` must have shape \(2, 2\)"),
        ({"positions_m": [[1, 2], [3, np.nan]]}, "must be finite.*1 of 2.*first: b"),
        ({"place_ids": [1, 2], "headings_deg": [1]}, "`headings_deg` must have shape"),
        ({"place_ids": [1, 2], "names": ["a", "a"]}, "stand more than once .first: a"),
        ({"place_ids": [1, 2], "names": [["a", "b"]]}, "must be one list"),
    ],
)
def test_refuses_fields_that_do_not_fit(fields, match):
    with pytest.raises(ValueError, match=match):
        PlaceDataset("photos", **({"names": ["a", "b"]} | fields))
