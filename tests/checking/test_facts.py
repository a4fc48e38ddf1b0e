import numpy as np

from placevec.checking.facts import facts_of_files, facts_of_places
from placevec.images.condition import Conditions
from placevec.places import PlaceDataset


def test_says_what_is_known_and_of_how_many():
    dataset = PlaceDataset(
        "photos", ["a", "b"], positions_m=[[0, 0], [30, 40]], headings_deg=[10, np.nan],
        times_s=[1.4e9, 1.4e9 + 86400], place_ids=[5, -1], is_query=[1, 0], frame="UTM 31U",
    )  # fmt: skip
    facts = dict(facts_of_places(dataset))
    assert facts["roles"] == "1 query, 2 in the database"
    assert facts["positions"] == "UTM 31U, 30.0 m from west to east, 40.0 m from south to north"
    assert facts["headings"] == "of 1 photo"
    assert facts["times"] == "of 2 photos, 2014-05-13 16:53:20 to 2014-05-14 16:53:20"
    assert facts["places"] == "1, of 1 photo"
    assert "sequences" not in facts


def test_times_that_no_calendar_holds_are_seconds():
    dataset = PlaceDataset("photos", ["a"], place_ids=[0], times_s=[1e17])
    facts = dict(facts_of_places(dataset))
    assert facts["times"] == "of 1 photo, 1e+17 s to 1e+17 s"
    assert facts["positions"] == "none, places are known by identity"


def test_times_from_a_zero_of_their_own_are_seconds_and_no_dates_of_1970():
    run = PlaceDataset("run", ["a", "b"], positions_m=[[0, 0], [1, 0]], times_s=[14.25, 67.5])
    assert dict(facts_of_places(run))["times"] == "of 2 photos, 14.25 s to 67.5 s"


def test_photos_of_unknown_places_have_no_identity():
    photos = PlaceDataset("photos", ["a", "b"], place_ids=[-1, -1])
    assert dict(facts_of_places(photos))["positions"] == "none"


def test_counts_the_usual_sizes_first():
    sizes = np.array([[48, 64]] * 3 + [[i, 9] for i in range(1, 8)] + [[0, 0]], np.int32)
    count = len(sizes)
    conditions = Conditions(
        np.full(count, 2000), sizes, np.zeros((count, 2), np.uint64),
        np.zeros((count, 8), np.uint64), np.ones(count, bool), {},
    )  # fmt: skip
    facts = dict(facts_of_files(conditions))
    assert facts["rows x columns"].startswith("48x64 (3), 1x9 (1), ")
    assert facts["rows x columns"].endswith(", 3 other sizes")
    assert facts["files"].startswith("11, 0.0 MB; smallest 2.0 kB")


def test_says_where_on_earth_the_middle_is_so_that_swapped_columns_are_seen():
    where = {"positions_m": [[303182.72, 5787755.11]] * 3}
    known = PlaceDataset("photos", ["a", "b", "c"], frame="UTM 31U", **where)
    assert dict(facts_of_places(known))["middle"] == "52.2050 N, 0.1196 E"
    south = PlaceDataset("photos", ["a"], positions_m=[[630084.3, 5166561.5]], frame="UTM 17G")
    assert dict(facts_of_places(south))["middle"] == "43.6426 S, 79.3871 W"
    unknown = PlaceDataset("photos", ["a", "b", "c"], **where)
    assert "middle" not in dict(facts_of_places(unknown))


def test_units_of_unknown_scale_are_no_metres():
    photos = PlaceDataset("photos", ["a", "b"], positions_m=[[0, 0], [3, 4]], frame="SLAM units")
    assert dict(facts_of_places(photos))["positions"] == (
        "SLAM units, 3.0 units from west to east, 4.0 units from south to north"
    )


def test_frames_of_videos_have_no_files_of_their_own():
    conditions = Conditions(
        np.array([0, 0]), np.array([[48, 64]] * 2, np.int32), np.zeros((2, 2), np.uint64),
        np.zeros((2, 8), np.uint64), np.ones(2, bool), {},
    )  # fmt: skip
    assert facts_of_files(conditions) == [("rows x columns", "48x64 (2)")]


def test_times_of_frames_are_seconds_and_no_dates():
    # Several videos are put far apart in time.
    frames = {"positions_m": [[0, 0], [3, 0]], "times_s": [0.0, 4e9]}
    walk = PlaceDataset("videos", ["a", "b"], frame="frames", **frames)
    assert dict(facts_of_places(walk))["times"] == "of 2 photos, 0 s to 4000000000 s"
    assert "2096" in dict(facts_of_places(PlaceDataset("photos", ["a", "b"], **frames)))["times"]
