import pickle
import time

import numpy as np
import pytest
from scipy.stats import chisquare

from placevec.config import TupleConfig
from placevec.places.dataset import PlaceDataset
from placevec.places.tuples import TupleSampler


def make_town(seed=0, count=120, **fields):
    """Returns photos on a grid of 5 m, so that distances equal to a radius occur."""
    rng = np.random.default_rng(seed)
    return PlaceDataset(
        "town",
        [f"{i}.jpg" for i in range(count)],
        positions_m=rng.integers(0, 26, size=(count, 2)) * 5.0 + 1e6,
        is_query=rng.random(count) < 0.6,
        is_database=rng.random(count) < 0.8,
        **fields,
    )


def make_sampler(dataset, **settings):
    defaults = {
        "num_positives": 3,
        "num_negatives": 5,
        "positive_radius_m": 10.0,
        "negative_radius_m": 25.0,
    }
    return TupleSampler(dataset, **(vars(TupleConfig()) | defaults | settings))


def on_a_line(*east_m, **fields):
    names = [chr(ord("a") + i) for i in range(len(east_m))]
    return PlaceDataset("line", names, positions_m=[[east, 0] for east in east_m], **fields)


def distance_m(dataset, one, other):
    east_m, north_m = dataset.positions_m[one] - dataset.positions_m[other]
    return float(np.hypot(east_m, north_m))


TIMES = np.random.default_rng(1).choice([0.0, 60.0, 120.0, np.nan], size=120)
HEADINGS = np.random.default_rng(2).choice([0.0, 10.0, 90.0, 350.0, np.nan], size=120)


@pytest.mark.parametrize(
    ("fields", "settings"),
    [
        ({}, {}),
        ({}, {"min_positive_distance_m": 5.0}),
        ({"times_s": TIMES}, {}),
        ({"times_s": TIMES}, {"min_time_difference_s": 0.0}),
        ({"times_s": TIMES}, {"min_time_difference_s": 61.0}),
        ({"headings_deg": HEADINGS}, {}),
        ({"headings_deg": HEADINGS}, {"max_heading_difference_deg": 20.0}),
        (
            {"headings_deg": HEADINGS, "times_s": TIMES},
            {"max_heading_difference_deg": 90.0, "min_time_difference_s": 60.0},
        ),
    ],
)
def test_positives_equal_the_rules_in_plain_loops(fields, settings):
    dataset = make_town(**fields)
    expected = {}
    for query in range(len(dataset)):
        expected[query] = []
        for photo in range(len(dataset)):
            good = dataset.is_database[photo] and photo != query
            apart_m = distance_m(dataset, query, photo)
            good = good and apart_m <= 10.0
            least_m = settings.get("min_positive_distance_m", 0.0)
            good = good and (least_m == 0 or apart_m > least_m)
            if "max_heading_difference_deg" in settings:
                turn = abs(HEADINGS[photo] - HEADINGS[query])  # NaN where unknown
                turn = min(turn, 360 - turn)
                good = good and turn <= settings["max_heading_difference_deg"]
            if "times_s" in fields:
                apart_s = abs(TIMES[photo] - TIMES[query])
                least_s = settings.get("min_time_difference_s")
                if least_s is None:
                    good = good and not apart_s == 0
                elif least_s > 0:
                    good = good and apart_s >= least_s
            if good:
                expected[query].append(photo)
    sampler = make_sampler(dataset, **settings)
    for query in range(len(dataset)):
        assert sampler.positives(query).tolist() == expected[query]
    queries = [query for query in dataset.queries if expected[query]]
    assert sampler.queries.tolist() == queries
    assert 0 < len(queries) < len(dataset.queries)


def test_finds_the_same_queries_in_small_chunks(monkeypatch):
    dataset = make_town()
    queries = make_sampler(dataset).queries.tolist()
    monkeypatch.setattr("placevec.places.tuples._QUERIES_AT_A_TIME", 7)
    assert make_sampler(dataset).queries.tolist() == queries


def test_near_and_negatives_equal_the_rules_in_plain_loops():
    dataset = make_town()
    sampler = make_sampler(dataset)
    rng = np.random.default_rng(0)
    for query in sampler.queries:
        near = [p for p in dataset.database if distance_m(dataset, query, p) <= 25.0]
        far = [p for p in dataset.database if distance_m(dataset, query, p) > 25.0]
        assert sampler.near(query).tolist() == near
        assert sorted(sampler.draw_negatives(query, len(far), rng).tolist()) == far


def test_a_tuple_holds_what_it_says():
    dataset = make_town()
    sampler = make_sampler(dataset)
    rng = np.random.default_rng(0)
    for query in sampler.queries:
        drawn, positives, negatives = sampler.draw(query, rng)
        assert drawn == query
        assert (positives.shape, negatives.shape) == ((3,), (5,))
        assert positives.dtype == negatives.dtype == np.int64
        available = sampler.positives(query)
        assert set(positives) <= set(available)
        assert len(set(positives)) == min(3, len(available))
        assert len(set(negatives)) == 5
        assert not set(negatives) & set(sampler.near(query))
        assert dataset.is_database[positives].all()
        assert dataset.is_database[negatives].all()


def test_repeats_positives_evenly_only_where_they_are_too_few():
    sampler = make_sampler(on_a_line(0, 1, 2, 99), num_positives=7, num_negatives=1)
    _, positives, _ = sampler.draw(0, np.random.default_rng(0))
    assert sorted(np.unique(positives, return_counts=True)[1].tolist()) == [3, 4]
    assert set(positives) == {1, 2}


def test_every_positive_and_every_negative_is_equally_likely():
    # What the old loaders leaked: yaw, pitch and neighborhood told negatives from positives.
    dataset = on_a_line(0, 1, 2, 3, 4, 15, *range(90, 99))
    sampler = make_sampler(dataset, num_positives=2, num_negatives=3)
    rng = np.random.default_rng(0)
    seen = np.zeros(len(dataset))
    for _ in range(3000):
        _, positives, negatives = sampler.draw(0, rng)
        seen[positives] += 1
        seen[negatives] += 1
    assert seen[0] == seen[5] == 0
    assert chisquare(seen[1:5]).pvalue > 1e-3
    assert chisquare(seen[6:]).pvalue > 1e-3


def test_places_of_positives_vary_from_draw_to_draw_in_order_too():
    sampler = make_sampler(on_a_line(0, 1, 2, 99), num_positives=2, num_negatives=1)
    rng = np.random.default_rng(0)
    assert {tuple(sampler.draw(0, rng)[1].tolist()) for _ in range(40)} == {(1, 2), (2, 1)}


def test_the_same_seed_draws_the_same_tuple():
    sampler = make_sampler(make_town())
    query = sampler.queries[0]
    draws = [sampler.draw(query, np.random.default_rng([7, i])) for i in (1, 1, 2)]
    np.testing.assert_equal(draws[0], draws[1])
    assert draws[0][2].tolist() != draws[2][2].tolist()


def test_travels_to_other_processes():
    sampler = make_sampler(make_town())
    copy = pickle.loads(pickle.dumps(sampler))
    query = sampler.queries[0]
    one, other = (s.draw(query, np.random.default_rng(0)) for s in (sampler, copy))
    np.testing.assert_equal(one, other)


def test_a_photo_between_the_radii_is_neither():
    dataset = on_a_line(0, 10, 10.001, 25, 25.001, is_query=[1, 0, 0, 0, 0])
    sampler = make_sampler(dataset, num_negatives=1)
    assert sampler.positives(0).tolist() == [1]
    for seed in range(20):
        assert sampler.draw(0, np.random.default_rng(seed))[2].tolist() == [4]


def test_headings_are_compared_round_the_circle():
    dataset = on_a_line(0, 1, 2, 3, 99, headings_deg=[350, 10, 15, 180, 0])
    sampler = make_sampler(dataset, num_negatives=1, max_heading_difference_deg=20)
    assert sampler.positives(0).tolist() == [1]
    assert sampler.positives(1).tolist() == [0, 2]


def test_takes_identity_where_there_are_no_positions():
    ids = [4, 4, 7, 7, 7, 9, -1, -1]
    dataset = PlaceDataset("photos", list("abcdefgh"), place_ids=ids)
    sampler = make_sampler(dataset, num_negatives=3)
    assert sampler.queries.tolist() == [0, 1, 2, 3, 4]
    assert sampler.positives(2).tolist() == [3, 4]
    assert sampler.positives(6).tolist() == []
    assert sampler.near(0).tolist() == [0, 1, 6, 7]
    seen = {int(i) for s in range(40) for i in sampler.draw(2, np.random.default_rng(s))[2]}
    assert seen == {0, 1, 5}


def test_counts_no_photo_of_unknown_place_as_a_negative():
    dataset = PlaceDataset("photos", list("abcde"), place_ids=[4, 4, 5, -1, -1])
    assert make_sampler(dataset, num_negatives=1).queries.tolist() == [0, 1]
    with pytest.raises(ValueError, match="a in photos must have 2 negatives. Received: 1 of"):
        make_sampler(dataset, num_negatives=2)


def test_takes_positions_before_identity():
    dataset = on_a_line(0, 1, 90, 91, place_ids=[1, 2, 1, 2])
    sampler = make_sampler(dataset, num_negatives=2)
    assert sampler.positives(0).tolist() == [1]
    assert sorted(sampler.draw(0, np.random.default_rng(0))[2].tolist()) == [2, 3]


def test_needs_no_negatives_where_none_are_asked_for():
    sampler = make_sampler(on_a_line(0, 1), num_negatives=0)
    assert sampler.draw(0, np.random.default_rng(0))[2].shape == (0,)


def test_a_draw_does_not_look_at_the_whole_database():
    rng = np.random.default_rng(0)
    count = 200_000
    names = np.arange(count).astype(str)
    dataset = PlaceDataset(
        "large",
        names,
        positions_m=rng.uniform(0, 20_000, size=(count, 2)),
        is_query=np.arange(count) < 500,
    )
    sampler = make_sampler(dataset, positive_radius_m=50, negative_radius_m=100)
    start = time.perf_counter()
    for query in sampler.queries[:200]:
        sampler.draw(query, rng)
    each_s = (time.perf_counter() - start) / 200
    start = time.perf_counter()
    for _ in range(20):
        np.flatnonzero(np.square(dataset.positions_m - dataset.positions_m[0]).sum(axis=1) > 1e4)
    one_mask_s = (time.perf_counter() - start) / 20
    assert each_s < one_mask_s / 2


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_positives": 0}, "`num_positives` must be at least 1.*num_positives=0"),
        ({"num_negatives": -1}, "`num_negatives` must be at least 0"),
        ({"positive_radius_m": -1.0}, "`positive_radius_m` must not be negative"),
        ({"positive_radius_m": float("nan")}, "`positive_radius_m` must not be negative"),
        ({"positive_radius_m": 30.0}, "must not be below `positive_radius_m`.*25"),
        ({"min_time_difference_s": -1.0}, "`min_time_difference_s` must not be negative"),
        ({"min_positive_distance_m": -1.0}, "`min_positive_distance_m` must not be negative"),
        ({"max_heading_difference_deg": 0.0}, r"must be in \(0, 180\].*=0.0"),
        ({"max_heading_difference_deg": 181.0}, r"must be in \(0, 180\]"),
        ({"max_heading_difference_deg": 30.0}, "needs headings, and the photos in line have none"),
        ({"min_time_difference_s": 30.0}, "needs times"),
        ({"positive_radius_m": 0.5}, "None of 3 queries in line has a positive among 3.*0.5 m"),
        (
            {"num_negatives": 2},
            "a in line must have 2 negatives. Received: 1 of.*Lower `negative_radius_m`",
        ),
    ],
)
def test_refuses_settings_that_cannot_work(settings, match):
    with pytest.raises(ValueError, match=match) as caught:
        make_sampler(on_a_line(0, 1, 99), **({"num_negatives": 1} | settings))
    assert "\n" not in str(caught.value)


def test_refuses_a_distance_without_positions():
    dataset = PlaceDataset("photos", list("abc"), place_ids=[1, 1, 2])
    with pytest.raises(ValueError, match="`min_positive_distance_m` needs positions"):
        make_sampler(dataset, num_negatives=1, min_positive_distance_m=1.0)


def test_refuses_to_draw_what_is_not_there():
    sampler = make_sampler(on_a_line(0, 1, 99), num_negatives=1)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"must have a positive.*2 \(c\)"):
        sampler.draw(2, rng)
    with pytest.raises(ValueError, match="a in line must have 3 negatives. Received: 1 of"):
        sampler.draw_negatives(0, 3, rng)


def test_draws_from_the_tokyo_time_machine_by_the_papers_rules(shared_data):
    from placevec.sources.benchmarks.dbstruct import read_dbstruct

    path = shared_data("dbstruct", "tokyoTM_val.mat")
    dataset = read_dbstruct(path, require_files=False)
    sampler = make_sampler(dataset, min_positive_distance_m=1.0, num_negatives=10)
    rng = np.random.default_rng(0)
    for query in rng.choice(sampler.queries, size=50):
        _, positives, negatives = sampler.draw(query, rng)
        assert (dataset.times_s[positives] != dataset.times_s[query]).all()
        apart_m = [distance_m(dataset, query, photo) for photo in positives]
        assert 1.0 < min(apart_m) <= max(apart_m) <= 10.0
        assert min(distance_m(dataset, query, photo) for photo in negatives) > 25.0


def test_errors_name_frames_where_positions_count_them():
    frames = on_a_line(0.0, 100.0, 200.0, frame="frames")
    with pytest.raises(ValueError, match="within 10 frames. Enlarge `positive_radius_m`"):
        make_sampler(frames)
