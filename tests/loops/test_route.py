import numpy as np
import pytest

from placevec.loops.route import along_run, order_of_run
from placevec.places import PlaceDataset
from placevec.retrieval.sequences import runs_in_order

NAMES = ["b/2.jpg", "a/10.jpg", "a/9.jpg", "b/1.jpg"]


def ordered(tmp_path, **facts):
    dataset = PlaceDataset(tmp_path, NAMES, positions_m=np.zeros((4, 2)), **facts)
    return dataset.names[order_of_run(dataset)].tolist()


def test_photos_of_several_folders_are_one_run(tmp_path):
    assert ordered(tmp_path) == ["a/9.jpg", "a/10.jpg", "b/1.jpg", "b/2.jpg"]
    assert ordered(tmp_path, times_s=[1.0, 2.0, 4.0, 3.0]) == NAMES[:2] + NAMES[:1:-1]


@pytest.mark.parametrize("times_s", [[4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, np.nan]])
def test_known_sequences_have_the_order_that_searches_match_them_in(tmp_path, times_s):
    sequences = np.array([7, 3, 3, 7])
    order = runs_in_order(NAMES, np.array(times_s), sequences)[0]
    facts = {"times_s": times_s, "sequence_ids": sequences}
    assert ordered(tmp_path, **facts) == np.array(NAMES)[order].tolist()


def test_photos_of_two_sequences_lie_farther_apart_than_the_exclusion(tmp_path):
    dataset = PlaceDataset(tmp_path, NAMES, times_s=[0.0, 1.0, 0.0, 1.0], sequence_ids=[0, 0, 1, 1])
    along = along_run(dataset, exclusion_s=10.0, exclusion_m=None)
    assert along.tolist() == [0.0, 1.0, 21.0, 22.0]
