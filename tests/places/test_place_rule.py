import logging

import numpy as np
import pytest

from placevec.config import TupleConfig
from placevec.places.dataset import PlaceDataset
from placevec.places.tuples import TupleSampler
from placevec.places.view_overlap import view_overlap

SETTINGS = {
    "num_positives": 1,
    "num_negatives": 1,
    "positive_radius_m": 10.0,
    "negative_radius_m": 25.0,
}


def make_sampler(dataset, **settings):
    return TupleSampler(dataset, **(vars(TupleConfig()) | SETTINGS | settings))


def street(**fields):
    """Two pairs of photos, back to back between two walls, and photos far away."""
    defaults = {
        "positions_m": [[0, 0], [2, 0], [0, 1], [2, 1], [60, 0], [0, 400], [0, 450]],
        "headings_deg": [270.0, 90, 270, 90, 270, 0, 0],
    }
    return PlaceDataset("street", list("abcdefg"), **(defaults | fields))


def make_model(seed=0, count=60):
    rng = np.random.default_rng(seed)
    return PlaceDataset(
        "model",
        [f"{i}.jpg" for i in range(count)],
        positions_m=rng.uniform(0, 120, (count, 2)),
        headings_deg=rng.choice([0.0, 30.0, 90.0, 270.0, np.nan], count),
        fields_of_view_deg=rng.choice([60.0, 90.0, np.nan], count),
        points_seen=rng.random((count, 80)) < 0.05,
        is_query=rng.random(count) < 0.7,
        is_database=rng.random(count) < 0.7,
    )


def share_of(dataset, rule, one, other):
    if rule == "shared_points":
        seen = dataset.points_seen.toarray()
        fewer = min(seen[one].sum(), seen[other].sum())
        return (seen[one] & seen[other]).sum() / fewer if fewer else 0.0
    angles = np.where(np.isnan(dataset.fields_of_view_deg), 90.0, dataset.fields_of_view_deg)
    return view_overlap(
        dataset.positions_m[[other]] - dataset.positions_m[[one]],
        dataset.headings_deg[[[one, other]]],
        angles[[[one, other]]],
        depth_m=20.0,
    )[0]


@pytest.mark.parametrize("rule", ["view_overlap", "shared_points"])
@pytest.mark.parametrize("least", [0.0, 0.3])
def test_positives_and_negatives_equal_the_rule_in_plain_loops(rule, least):
    dataset = make_model()
    depth = {"view_depth_m": 20.0} if rule == "view_overlap" else {}
    sampler = make_sampler(
        dataset, positive_rule=rule, min_overlap=least, positive_radius_m=20.0, **depth
    )
    numbers = set()
    for query in range(len(dataset)):
        positives, barred = [], []
        for photo in dataset.database:
            apart_m = np.hypot(*(dataset.positions_m[photo] - dataset.positions_m[query]))
            share = share_of(dataset, rule, query, photo)
            if photo != query and apart_m <= 20.0 and share >= least and share > 0:
                positives.append(photo)
            may_share = share > 0 or (np.isnan(share) and apart_m <= 40.0)
            if apart_m <= 25.0 or may_share:
                barred.append(photo)
        assert sampler.positives(query).tolist() == positives
        assert sampler.near(query).tolist() == barred
        numbers.add((len(positives), len(barred)))
        for photo in range(len(dataset)):
            kind = "positive" if photo in positives else "neither"
            if dataset.is_database[photo] and photo not in barred:
                kind = "negative"
            assert sampler.why(query, photo).startswith(f"{kind}: ")
    assert len(numbers) > 5


def test_overlap_tells_photos_that_face_opposite_walls_from_those_of_one_wall():
    by_distance = make_sampler(street())
    assert by_distance.positives(0).tolist() == [1, 2, 3]
    by_view = make_sampler(street(), positive_rule="view_overlap")
    assert by_view.positives(0).tolist() == [2]
    assert by_view.positives(1).tolist() == [3]
    walls = np.eye(2, dtype=bool)[[0, 1, 0, 1, 1, 1, 1]]
    by_points = make_sampler(
        street(points_seen=np.concatenate([walls, np.eye(7, dtype=bool)], axis=1)),
        positive_rule="shared_points", num_negatives=0,
    )  # fmt: skip
    assert by_points.positives(0).tolist() == [2]
    assert by_points.positives(1).tolist() == [3]


def test_a_far_photo_that_shares_anything_is_no_negative():
    sampler = make_sampler(street(), positive_rule="view_overlap", num_negatives=2)
    assert sampler.near(1).tolist() == [0, 1, 2, 3, 4]  # e stands 58 m off and looks at it
    assert make_sampler(street()).near(1).tolist() == [0, 1, 2, 3]
    for seed in range(20):
        negatives = sampler.draw(1, np.random.default_rng(seed))[2]
        assert set(negatives) == {5, 6}


def test_counts_negatives_exactly_where_few_are_left():
    rule = {"positive_rule": "view_overlap"}
    # Within 100 m of b lie five photos of seven, and all of them may not be negatives.
    assert make_sampler(street(), **rule, num_negatives=2).queries.tolist() == [0, 1, 2, 3]
    with pytest.raises(
        ValueError, match="b in street must have 3 negatives. Received: 2 of.*share nothing with it"
    ):
        make_sampler(street(), **rule, num_negatives=3)


def test_points_tell_places_where_there_are_no_positions():
    dataset = PlaceDataset(
        "photos", list("abcd"), place_ids=[1, 1, 1, 2],
        points_seen=np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], bool),
    )  # fmt: skip
    sampler = make_sampler(dataset, positive_rule="shared_points", num_negatives=0)
    assert sampler.positives(0).tolist() == [1]
    assert sampler.near(2).tolist() == [0, 1, 2, 3]
    assert sampler.why(2, 3) == "neither: different places, 100 % of the points shared"


def test_without_headings_distance_tells_and_that_is_logged_once(caplog):
    with caplog.at_level(logging.WARNING):
        sampler = make_sampler(street(headings_deg=None), positive_rule="view_overlap")
        sampler.positives(0)
        sampler.near(0)
    assert [record.getMessage() for record in caplog.records] == [
        "street has no headings: distance decides what is positive, not view_overlap"
    ]
    assert sampler.positives(0).tolist() == [1, 2, 3]
    assert sampler.near(1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("query", "photo", "fields", "settings", "why"),
    [
        (0, 2, {}, {}, "positive: 1.0 m apart, headings 0 deg apart"),
        (0, 1, {}, {}, "positive: 2.0 m apart, headings 180 deg apart"),
        (0, 5, {}, {}, "negative: 400.0 m apart, headings 90 deg apart"),
        (0, 0, {}, {}, "neither: 0.0 m apart, headings 0 deg apart"),
        (0, 2, {"headings_deg": None}, {}, "positive: 1.0 m apart"),
        (0, 2, {"headings_deg": [1.0, 1, np.nan, 1, 1, 1, 1]}, {},
         "positive: 1.0 m apart, heading unknown"),
        (0, 2, {"times_s": [0.0, 0, 0, 60, 0, 0, 0]}, {},
         "neither: 1.0 m apart, headings 0 deg apart, 0 s between them"),
        (0, 3, {"times_s": [0.0, 0, 0, 7200, 0, 0, 0]}, {},
         "positive: 2.2 m apart, headings 180 deg apart, 2 h between them"),
        (0, 1, {}, {"positive_rule": "view_overlap"},
         "neither: 2.0 m apart, headings 180 deg apart, 0 % of the views shared"),
        (0, 2, {}, {"positive_rule": "view_overlap"},
         "positive: 1.0 m apart, headings 0 deg apart, 95 % of the views shared"),
        (0, 2, {"frame": "frames"}, {}, "positive: 1.0 frames apart, headings 0 deg apart"),
    ],
)  # fmt: skip
def test_says_why(query, photo, fields, settings, why):
    assert make_sampler(street(**fields), **settings).why(query, photo) == why


def test_says_why_by_identity():
    dataset = PlaceDataset("photos", list("abcd"), place_ids=[1, 1, 2, -1])
    sampler = make_sampler(dataset)
    assert sampler.why(0, 1) == "positive: same place"
    assert sampler.why(0, 2) == "negative: different places"
    assert sampler.why(0, 3) == "neither: place unknown"


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"positive_rule": "overlap"}, "must be one of distance, view_overlap, shared_points"),
        ({"positive_rule": "shared_points"}, "`positive_rule` needs points that the photos see"),
        ({"min_overlap": 1.5}, r"`min_overlap` must be in \[0, 1\]. Received: min_overlap=1.5"),
        ({"min_overlap": float("nan")}, "`min_overlap` must be in"),
        ({"view_depth_m": 0.0}, "`view_depth_m` must be above 0. Received: view_depth_m=0.0"),
        ({"view_depth_m": float("inf")}, "`view_depth_m` must be above 0"),
        (
            {"positive_rule": "view_overlap", "min_overlap": 1.0},
            "None of 7 queries in street has a positive.*and overlap",
        ),
    ],
)
def test_refuses_settings_that_cannot_work(settings, match):
    with pytest.raises(ValueError, match=match) as caught:
        make_sampler(street(), **settings)
    assert "\n" not in str(caught.value)


def test_refuses_views_without_positions():
    dataset = PlaceDataset("photos", list("ab"), place_ids=[1, 1], headings_deg=[0, 0])
    with pytest.raises(ValueError, match="`positive_rule` needs positions, and the photos in"):
        make_sampler(dataset, positive_rule="view_overlap", num_negatives=0)
