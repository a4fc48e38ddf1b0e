import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset
from placevec.places.split import SPLITS, Split, draw_roles, split_photos


def make_town(count=300, seed=0, **fields):
    rng = np.random.default_rng(seed)
    names = [f"{i:03d}.jpg" for i in range(count)]
    positions_m = rng.uniform(0, 500, (count, 2)) + 1e6
    return PlaceDataset("town", names, **({"positions_m": positions_m} | fields))


def drives(count=300, length=10, seed=3):
    """Positions and numbers of drives in streets of their own, and the times of the photos."""
    ids = np.arange(count) // length
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 900, (ids.max() + 1, 2))
    along = np.stack([np.arange(count) % length * 4.0, np.zeros(count)], axis=1)
    return {
        "positions_m": starts[ids] + along,
        "sequence_ids": ids,
        "times_s": 1e9 + 86_400.0 * (ids // 3) + np.arange(count),
    }


def parted(dataset, **settings):
    usual = {"by": "area", "val_share": 0.2, "test_share": 0.2, "buffer_m": 25.0}
    return split_photos(dataset, **(usual | settings))


def roles_of(dataset, split, query_share=0.25, **settings):
    return draw_roles(dataset, split, query_share=query_share, **settings)


def shares(split):
    return [len(split.rows(name)) / len(split.names) for name in SPLITS]


def least_distance_m(dataset, split):
    least = np.inf
    for i in range(len(dataset)):
        for j in range(i):
            sides = split.names[i], split.names[j]
            if "" not in sides and sides[0] != sides[1]:
                east, north = dataset.positions_m[i] - dataset.positions_m[j]
                least = min(least, np.hypot(east, north))
    return least


@pytest.mark.parametrize("by", ["area", "sequence", "time"])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_photos_of_two_splits_are_nearer_than_the_buffer(by, seed):
    dataset = make_town(**drives())
    free = parted(dataset, by=by, buffer_m=0, seed=seed)
    assert shares(free) == pytest.approx([0.6, 0.2, 0.2], abs=0.04)
    assert (free.names != "").all()
    split = parted(dataset, by=by, buffer_m=100, seed=seed)
    assert least_distance_m(dataset, free) < 100 <= least_distance_m(dataset, split)
    lost = split.names == ""
    assert set(split.left_out[lost]) == {"buffer"}
    assert (split.left_out[~lost] == "").all()
    np.testing.assert_array_equal(split.names[~lost], free.names[~lost])
    assert len(split.rows("test")) == len(free.rows("test"))


def test_leaves_out_only_what_is_too_near():
    dataset = make_town()
    free, split = (parted(dataset, buffer_m=m) for m in (0, 30))
    for lesser, greater in (("val", ["test"]), ("train", ["val", "test"])):
        others = np.flatnonzero(np.isin(split.names, greater))
        for row in free.rows(lesser):
            apart_m = np.linalg.norm(dataset.positions_m[others] - dataset.positions_m[row], axis=1)
            assert (split.names[row] == "") == (apart_m.min() < 30)


def test_the_same_seed_gives_the_same_split_and_another_one_another():
    dataset = make_town(**drives())
    for by in ("area", "sequence"):
        one, again, other = (parted(dataset, by=by, seed=s).names for s in (5, 5, 6))
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()
    roles = [roles_of(dataset, parted(dataset), seed=s).tolist() for s in (5, 5, 6)]
    assert roles[0] == roles[1] != roles[2]


def test_an_area_is_one_piece_of_ground():
    split = parted(make_town(), buffer_m=0)
    positions_m = make_town().positions_m
    for name in ("val", "test"):
        rows = split.rows(name)
        middle = positions_m[rows].mean(axis=0)
        nearest = np.argsort(np.linalg.norm(positions_m - middle, axis=1))[:15]
        assert set(split.names[nearest]) == {name}


def test_photos_of_one_position_stay_together_in_an_area():
    positions_m = np.repeat(np.arange(10)[:, None] * [[7.0, 0]], 30, axis=0)
    split = parted(make_town(positions_m=positions_m), buffer_m=0)
    assert all(len(set(split.names[i : i + 30])) == 1 for i in range(0, 300, 30))
    assert shares(split) == pytest.approx([0.6, 0.2, 0.2])


def test_sequences_stay_whole_and_those_unknown_are_left_out():
    fields = drives()
    fields["sequence_ids"][:10] = -1
    split = parted(make_town(**fields), by="sequence", buffer_m=0)
    assert set(split.left_out[:10]) == {"sequence unknown"}
    for start in range(10, 300, 10):
        assert len(set(split.names[start : start + 10])) == 1


def test_time_is_cut_in_its_order():
    dataset = make_town(**drives())
    split = parted(dataset, by="time", buffer_m=0)
    train, val, test = (dataset.times_s[split.rows(name)] for name in SPLITS)
    assert train.max() < val.min() <= val.max() < test.min()
    times_s = np.where(np.arange(300) < 7, np.nan, dataset.times_s // 86_400)
    split = parted(make_town(times_s=times_s), by="time", buffer_m=0)
    assert set(split.left_out[:7]) == {"time unknown"}
    for day in np.unique(times_s[7:]):
        assert len(set(split.names[times_s == day])) == 1


def test_places_known_by_identity_stay_whole():
    ids = np.arange(300) % 60 - 1
    dataset = PlaceDataset("ids", [str(i) for i in range(300)], place_ids=ids)
    split = parted(dataset)
    assert set(split.left_out[ids == -1]) == {"place unknown"}
    for place in range(59):
        assert len(set(split.names[ids == place])) == 1
    assert shares(split) == pytest.approx([0.6, 0.2, 0.2], abs=0.03)


def test_a_place_that_two_sequences_show_is_on_one_side():
    ids = np.tile(np.arange(30), 10)
    dataset = PlaceDataset(
        "ids", [str(i) for i in range(300)],
        place_ids=np.where(np.arange(300) < 150, ids, np.arange(300)),
        sequence_ids=np.arange(300) // 30,
    )  # fmt: skip
    split = parted(dataset, by="sequence", seed=1)
    assert {"same place", ""} == set(split.left_out)
    sides = {}
    for place, name in zip(dataset.place_ids, split.names, strict=True):
        if name:
            assert sides.setdefault(place, name) == name


def test_a_share_of_nothing_makes_no_split():
    split = parted(make_town(), val_share=0.0, test_share=0.3, buffer_m=0)
    assert shares(split) == pytest.approx([0.7, 0, 0.3], abs=0.01)
    split = parted(make_town(), val_share=0.3, test_share=0.0, buffer_m=0)
    assert shares(split) == pytest.approx([0.7, 0.3, 0], abs=0.01)


def test_of_the_same_photos_the_smaller_split_loses_its_own():
    names = np.array(["train", "train", "train", "val", "val", "test", ""])
    split = Split(names, np.array([""] * 6 + ["buffer"]))
    pairs = np.array([[0, 1], [0, 3], [4, 5], [2, 6], [3, 4]])
    cut = split.without_pairs(pairs, "duplicate")
    assert cut.names.tolist() == ["train", "train", "train", "", "val", "", ""]
    assert cut.left_out.tolist() == ["", "", "", "duplicate", "", "duplicate", "buffer"]
    assert split.without_pairs(np.empty((0, 2), int), "duplicate").names.tolist() == names.tolist()


def test_of_equal_splits_one_side_of_all_pairs_is_left_out():
    split = Split(np.array(["train", "train", "val", "val"]), np.array([""] * 4))
    cut = split.without_pairs(np.array([[0, 2], [1, 3], [3, 0]]), "duplicate")
    assert sorted(cut.names.tolist()) in (["", "", "train", "train"], ["", "", "val", "val"])


def test_queries_are_whole_visits():
    dataset = make_town(**drives())
    split = parted(dataset)
    roles = roles_of(dataset, split, query_share=0.3)
    assert set(roles[split.names == "train"]) == {"both"}
    assert set(roles[split.names == ""]) <= {""}
    for name in ("val", "test"):
        rows = split.rows(name)
        assert set(roles[rows]) == {"query", "database"}
        assert np.mean(roles[rows] == "query") == pytest.approx(0.3, abs=0.1)
        for sequence in np.unique(dataset.sequence_ids[rows]):
            same = rows[dataset.sequence_ids[rows] == sequence]
            assert len(set(roles[same])) == 1


def test_days_are_visits_where_no_sequences_are_known():
    dataset = make_town(times_s=1e9 + 86_400.0 * (np.arange(300) % 5))
    split = parted(dataset)
    roles = roles_of(dataset, split, query_share=0.2)
    rows = split.rows("val")
    days = np.arange(300) % 5
    assert len(set(days[rows[roles[rows] == "query"]])) == 1
    assert not set(days[rows[roles[rows] == "query"]]) & set(days[rows[roles[rows] == "database"]])


def test_single_photos_are_drawn_where_no_visits_are_known():
    dataset = make_town()
    split = parted(dataset)
    roles = roles_of(dataset, split, query_share=0.25)
    assert np.mean(roles[split.rows("val")] == "query") == pytest.approx(0.25, abs=0.01)


def test_roles_that_the_set_has_stay():
    dataset = make_town(is_query=np.arange(300) % 3 == 0, is_database=np.arange(300) % 3 != 0)
    split = parted(dataset)
    kept = split.names != ""
    expected = np.where(dataset.is_query, "query", "database")
    assert roles_of(dataset, split)[kept].tolist() == expected[kept].tolist()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"val_share": -0.1}, "must not be negative.*val_share=-0.1"),
        ({"val_share": 0.5, "test_share": 0.5}, "less than 1. Received: val_share=0.5"),
        ({"val_share": 0.0, "test_share": 0.0}, "more than 0"),
        ({"val_share": float("nan")}, "val_share=nan"),
        ({"buffer_m": -1.0}, "`buffer_m` must not be negative. Received: buffer_m=-1.0"),
        ({"buffer_m": 9999.0}, "none left in train and val of the 300.*Lower `buffer_m` .9999"),
        ({"by": "sequence"}, "A split by sequence needs sequences, and the photos in town have"),
        ({"by": "time"}, "A split by time needs times"),
        ({"by": "street"}, "`by` must be one of area, sequence, time. Received: by='street'"),
    ],
)
def test_refuses_a_split_that_cannot_be(settings, match):
    with pytest.raises(ValueError, match=match) as caught:
        parted(make_town(), **settings)
    assert "\n" not in str(caught.value)


def test_refuses_too_few_sequences_and_a_bad_share_of_queries():
    with pytest.raises(ValueError, match="needs 3 sequences or more. Received: 2. Set"):
        parted(make_town(sequence_ids=np.arange(300) // 150), by="sequence")
    with pytest.raises(ValueError, match=r"`query_share` must be in \(0, 1\)"):
        roles_of(make_town(), parted(make_town()), query_share=1.0)


@pytest.mark.parametrize("by", ["area", "sequence", "time"])
@pytest.mark.parametrize("sizes", [(33, 33, 33), (10, 15, 74), (90, 1, 1), (1, 90, 1), (1, 1, 1)])
def test_as_many_units_as_splits_give_one_each(by, sizes):
    units = np.repeat(np.arange(3), sizes)
    known = {"sequence_ids": units, "times_s": units * 1e5, "place_ids": units}
    positions_m = units[:, None] * [70.0, 30.0]
    for seed in range(8):
        for fields in ({"positions_m": positions_m}, {}):
            dataset = PlaceDataset("p", [f"{i}.jpg" for i in range(len(units))], **known, **fields)
            split = parted(dataset, by=by, buffer_m=0, seed=seed)
            assert sorted(len(set(units[split.rows(name)])) for name in SPLITS) == [1, 1, 1]


def test_a_split_without_a_unit_gets_the_one_nearest_to_its_share():
    units = np.repeat(np.arange(6), (30, 30, 30, 3, 5, 2))
    photos = PlaceDataset("p", [str(i) for i in range(100)], place_ids=units, sequence_ids=units)
    for seed in range(20):
        split = parted(photos, by="sequence", val_share=0.03, test_share=0.05, buffer_m=0,
                             seed=seed)  # fmt: skip
        assert all(len(split.rows(name)) for name in SPLITS)


def test_a_single_sequence_is_not_split_by_sequence():
    photos = PlaceDataset("p", list("abc"), positions_m=np.eye(3, 2), sequence_ids=[4, 4, 4])
    with pytest.raises(ValueError, match="Received: 1 in p. Split by area or time"):
        parted(photos, by="sequence")
