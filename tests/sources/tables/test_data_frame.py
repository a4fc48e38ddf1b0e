import numpy as np
import pandas as pd
import pytest

from placevec.sources import read_frame


def test_reads_degrees_moments_and_texts_as_a_table_does():
    frame = pd.DataFrame(
        {
            "file": ["b.jpg", "query/a.jpg"],
            "lat": [52.5, 52.5001],
            "lon": [13.4, 13.4],
            "time": pd.to_datetime(["2020-01-01 00:00:01", None]),
            "place": pd.Categorical(["gate", "tower"]),
            "sequence": pd.array([4, None], dtype="Int64"),
            "note": ["left", "alone"],
        },
        index=[7, 7],
    )
    dataset = read_frame(frame, "photos")
    assert dataset.names.tolist() == ["b.jpg", "query/a.jpg"]
    assert dataset.frame == "UTM 33U"
    np.testing.assert_allclose(dataset.positions_m[0], [391390.73, 5817855.24], atol=0.01)
    np.testing.assert_array_equal(dataset.times_s, [1577836801, np.nan])
    assert dataset.place_ids.tolist() == [0, 1]
    assert dataset.sequence_ids.tolist() == [4, -1]
    assert dataset.is_database.tolist() == [True, False]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"file": ["a"], "place": [1]}, None),
        ({"lat": [1.0], "lon": [2.0]}, "No column `file` in the data frame"),
        ({"file": ["a"]}, "needs `lat,lon`, `east,north` or `place`. Received: none in the data"),
        ({"file": []}, "at least one row"),
        ({}, "No column `file`"),
        ({"file": ["a", "a"], "place": [1, 1]}, "more than once in the data frame"),
        ({"file": ["../a"], "place": [1]}, "stay inside"),
        ({"file": [None], "place": [1]}, "and not empty"),
        ({"file": ["a", "b"], "east": [1, None], "north": [1, 2]}, r"1 of 2 .*first: b"),
        ({"file": ["a"], "east": [1], "north": [1], "heading_deg": ["x"]}, "be a number"),
        ({"file": ["a"], "lat": [98.0], "lon": [2.0]}, "must be in"),
    ],
)
def test_refuses_what_a_table_may_not_hold(columns, match):
    frame = pd.DataFrame(columns)
    if match is None:
        assert len(read_frame(frame)) == 1
        return
    with pytest.raises(ValueError, match=match):
        read_frame(frame)


def test_refuses_two_columns_of_one_name():
    frame = pd.DataFrame([["a", 1, 2]], columns=["file", "place", "place"])
    with pytest.raises(ValueError, match="a name of its own. Received: file, place, place"):
        read_frame(frame)
