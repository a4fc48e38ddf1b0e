import numpy as np

from placevec.checking.facts import facts_of_files, facts_of_places
from placevec.images.condition import Conditions
from placevec.places import PlaceDataset


def test_says_what_is_known_and_of_how_many():
    dataset = PlaceDataset(
        "photos", ["a", "b"], positions_m=[[0, 0], [30, 40]], headings_deg=[10, np.nan],
        times_s=[0, 86400], place_ids=[5, -1], is_query=[1, 0], frame="UTM 31U",
    )  # fmt: skip
    facts = dict(facts_of_places(dataset))
    assert facts["roles"] == "1 queries, 2 in the database"
    assert facts["positions"] == "UTM 31U, 30.0 m from west to east, 40.0 m from south to north"
    assert facts["headings"] == "of 1 photos"
    assert facts["times"] == "of 2 photos, 1970-01-01 00:00:00 to 1970-01-02 00:00:00"
    assert facts["places"] == "1, of 1 photos"
    assert "sequences" not in facts


def test_times_that_no_calendar_holds_are_seconds():
    dataset = PlaceDataset("photos", ["a"], place_ids=[0], times_s=[1e17])
    facts = dict(facts_of_places(dataset))
    assert facts["times"] == "of 1 photos, 1e+17 s to 1e+17 s"
    assert facts["positions"] == "none, places are known by identity"


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
