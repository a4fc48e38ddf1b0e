import numpy as np
import pytest

from placevec.store import StoreWriter, Where


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    positions_m, times_s = rng.uniform(0, 2000, (50, 2)), rng.uniform(0, 9, 50)
    positions_m[7], times_s[8] = np.nan, np.nan
    store.append([f"{row}" for row in range(50)], rng.normal(size=(50, 3)), positions_m, times_s)
    store.remove(["9"])
    return store


@pytest.mark.parametrize("within_m", [None, 0.0, 700.0, 1e9])
@pytest.mark.parametrize("before_s", [None, 4.5, 1e9])
def test_equals_the_filter_in_plain_loops(store, within_m, before_s):
    of = None if within_m is None else (1000.0, 800.0)
    passed = Where(store).rows(within_m=within_m, of=of, before_s=before_s)
    table = store.table()
    expected = []
    for row in range(50):
        if row == 9:
            continue
        each = table.loc[row]
        is_near = within_m is None or np.hypot(each.east_m - 1000, each.north_m - 800) <= within_m
        if is_near and (before_s is None or each.time_s < before_s):
            expected.append(row)
    assert np.flatnonzero(passed).tolist() == expected


def test_a_photo_at_the_very_moment_is_not_earlier(store):
    time_s = store.table().time_s[3]
    assert not Where(store).rows(before_s=time_s)[3]
    assert Where(store).rows(before_s=np.nextafter(time_s, 10))[3]


def test_refuses_filters_that_lack_something(store, tmp_path):
    with pytest.raises(ValueError, match="`within_m` and `of` go together"):
        Where(store).rows(within_m=5)
    with pytest.raises(ValueError, match="at least 0 and `of` finite"):
        Where(store).rows(within_m=5, of=(np.nan, 0))
    bare = StoreWriter.create(tmp_path / "bare", model_id="m")
    bare.append(["a"], np.ones((1, 3)))
    with pytest.raises(ValueError, match="No photo in .*bare has a position"):
        Where(bare).rows(within_m=5, of=(0, 0))
    with pytest.raises(ValueError, match="No photo in .*bare has a time"):
        Where(bare).rows(before_s=5)
