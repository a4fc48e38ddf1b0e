import dataclasses
from pathlib import Path

import numpy as np
import pytest

from placevec import PlaceDataset


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
        ({"positions_m": [[1, 2]]}, r"`positions_m` must have shape \(2, 2\)"),
        ({"positions_m": [[1, 2], [3, np.nan]]}, "must be finite.*1 of 2.*first: b"),
        ({"positions_m": [[1, 2], [1e308, 3]]}, r"at most 1e\+12 m.*1 of 2.*first: b"),
        ({"place_ids": [1, 2], "headings_deg": [1]}, "`headings_deg` must have shape"),
        ({"place_ids": [1, 2], "names": ["a", "a"]}, "appear more than once .first: a"),
        ({"place_ids": [1, 2], "names": [["a", "b"]]}, "must be one list"),
    ],
)
def test_refuses_fields_that_do_not_fit(fields, match):
    with pytest.raises(ValueError, match=match):
        PlaceDataset("photos", **({"names": ["a", "b"]} | fields))


def test_photos_need_no_place_until_it_is_asked_for():
    photos = PlaceDataset("photos", ["a", "b"])
    assert not photos.has_places and len(photos.take(np.array([1]))) == 1
    with pytest.raises(
        ValueError, match="`positions_m` or `place_ids`. Received: neither .*photos"
    ):
        photos.require_places()
    for known in ({"place_ids": [1, 2]}, {"positions_m": [[0, 0], [1, 1]]}):
        PlaceDataset("photos", ["a", "b"], **known).require_places()


def test_gives_a_known_array_and_refuses_an_unknown_one():
    photos = PlaceDataset("photos", ["a", "b"], place_ids=[1, 2])
    assert photos.known("place_ids").tolist() == [1, 2]
    with pytest.raises(ValueError, match="`positions_m` of the photos in photos .*Received: None"):
        photos.known("positions_m")


def everything(**changed):
    fields = {
        "root": "photos",
        "names": ["q/1.jpg", "2.jpg", "<b>.jpg"],
        "positions_m": [[391401.5, 5817875], [391402, 5817876], [391403, 5817877.25]],
        "headings_deg": [0, 90.5, np.nan],
        "times_s": [1.7e9, np.nan, 1.7e9 + 1.5],
        "place_ids": [7, -1, 7],
        "sequence_ids": [0, 0, 1],
        "altitudes_m": [1, np.nan, -2],
        "fields_of_view_deg": [60, 70, np.nan],
        "is_query": [True, True, False],
        "is_database": [True, False, True],
        "frame": "UTM 33U",
    }
    return PlaceDataset(**fields | changed)


@pytest.mark.parametrize(
    "dataset",
    [
        everything(),
        everything(frame="SLAM units", positions_m=[[0, 0], [1, 2], [3, 4]]),
        PlaceDataset("elsewhere", ["b", "a"], place_ids=[3, 3]),
        PlaceDataset(".", ["b"], positions_m=[[1, 2]], times_s=[5.25]),
    ],
)
def test_a_table_of_pandas_gives_the_same_data_set_again(dataset):
    again = PlaceDataset.from_frame(dataset.to_frame())
    for field in dataclasses.fields(PlaceDataset):
        there, here = getattr(dataset, field.name), getattr(again, field.name)
        assert (there is None) == (here is None), field.name
        if there is not None:
            np.testing.assert_array_equal(here, there, err_msg=field.name)


def test_a_table_of_pandas_has_the_columns_of_the_format():
    frame = everything().to_frame()
    assert list(frame) == [
        "file", "east", "north", "utm_zone", "heading_deg", "time", "place", "sequence",
        "altitude_m", "fov_deg", "role",
    ]  # fmt: skip
    assert frame["role"].tolist() == ["both", "query", "database"]
    assert frame["utm_zone"].tolist() == ["33U"] * 3


def test_rows_that_pandas_picked_are_a_data_set_of_the_same_folder():
    frame = everything().to_frame()
    part = PlaceDataset.from_frame(frame[frame["place"] == 7].sort_values("file"))
    assert part.names.tolist() == ["<b>.jpg", "q/1.jpg"]
    assert (part.root, part.frame) == (Path("photos"), "UTM 33U")
    assert PlaceDataset.from_frame(frame, "moved").root == Path("moved")


def test_prints_as_one_line_that_says_what_is_known():
    assert repr(everything()) == (
        "PlaceDataset(3 photos in 'photos', 2 queries, 2 in the database; positions, headings, "
        "times, place ids, sequence ids, altitudes, fields of view; frame 'UTM 33U')"
    )
    assert repr(PlaceDataset("photos", ["a.jpg"])) == (
        "PlaceDataset(1 photo in 'photos', 1 query, 1 in the database; no positions)"
    )
    many = PlaceDataset("a\nb", [f"{n}.jpg" for n in range(999)], place_ids=range(999))
    assert "\n" not in repr(many)
    assert len(repr(many)) < 120


def test_a_notebook_shows_the_first_rows_and_escapes_names():
    shown = everything()._repr_html_()
    assert "3 photos in" in shown
    assert "&lt;b&gt;.jpg" in shown
    assert "<b>.jpg" not in shown
    many = PlaceDataset("a", [f"{n}.jpg" for n in range(999)], place_ids=range(999))
    assert (many._repr_html_().count("<tr"), "5.jpg" in many._repr_html_()) == (6, False)


def test_says_what_to_import_before_a_table_of_pandas_is_read(monkeypatch):
    monkeypatch.setattr(PlaceDataset, "frame_reader", None)
    with pytest.raises(ImportError, match="needs the readers of placevec.sources. Import that"):
        PlaceDataset.from_frame(everything().to_frame())
