import sys

import numpy as np
import pytest

from placevec.config.choices import HUBNESS
from placevec.evaluation.answers import AnswerRules, search_answers, search_runs
from placevec.places import PlaceDataset

ONE_EACH = AnswerRules(25.0, None, None, one_answer_per_position=True)


def vectors(count, seed):
    drawn = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def panoramas(**arrays):
    """Returns 5 queries and 40 database photos at 9 positions, some with many more than others."""
    position = np.random.default_rng(0).choice(9, 40, p=[0.4, *[0.075] * 8])
    east_m = np.concatenate([np.zeros(5), 100.0 * position])
    names = [f"{row}.jpg" for row in range(45)]
    places_m = np.stack([east_m, np.zeros(45)], axis=1)
    side = np.arange(45) < 5
    photos = PlaceDataset(
        "photos", names, positions_m=places_m, is_query=side, is_database=~side, **arrays
    )
    return photos, position


def first_hits(similarities, position):
    """Returns the best photo of each position, the best first, as plain loops find them."""
    answers = []
    for row in similarities:
        seen, kept = set(), []
        for photo in sorted(range(len(row)), key=lambda photo: -row[photo]):
            if position[photo] not in seen:
                seen.add(position[photo])
                kept.append(photo)
        answers.append(kept)
    return answers


@pytest.mark.parametrize("count", [1, 4, 20])
def test_only_the_first_hit_of_each_position_is_an_answer(count):
    photos, position = panoramas()
    database, queries = vectors(40, 1), vectors(5, 2)
    neighbors, similarities = search_answers(photos, database, queries, ONE_EACH, count)
    for found, scores, wanted in zip(
        neighbors, similarities, first_hits(queries @ database.T, position), strict=True
    ):
        there = found >= 0
        assert found[there].tolist() == wanted[:count]
        assert there.sum() == min(count, len(np.unique(position)))
        assert np.isneginf(scores[~there]).all() and np.isfinite(scores[there]).all()


@pytest.mark.parametrize("hubness", HUBNESS)
@pytest.mark.parametrize("one_answer_per_position", [False, True])
def test_queries_searched_one_at_a_time_find_the_same(
    hubness, one_answer_per_position, monkeypatch
):
    """CSLS compares with all queries and photos, not only with those searched together."""
    photos, _ = panoramas(times_s=np.arange(45.0) % 23)
    rules = AnswerRules(25.0, 2.0, None, one_answer_per_position)
    given = photos, vectors(40, 1), vectors(5, 2), rules, 4, hubness
    together = search_answers(*given)
    monkeypatch.setattr(sys.modules["placevec.evaluation.answers"], "_MOST_PAIRS", 1)
    neighbors, similarities = search_answers(*given)
    assert neighbors.tolist() == together[0].tolist()
    np.testing.assert_allclose(similarities, together[1], atol=1e-6)


def test_runs_find_each_position_once_as_well():
    photos, position = panoramas()
    database, queries = vectors(40, 1), vectors(5, 2)
    neighbors, _ = search_runs(photos, database, queries, ONE_EACH, 4, length=1)
    wanted = [row[:4] for row in first_hits(queries @ database.T, position)]
    assert neighbors.tolist() == wanted


def test_a_photo_that_may_not_answer_hides_no_other_of_its_position():
    """The query is in the database, and most like itself; another photo shares its position."""
    photos = PlaceDataset("photos", ["a", "b", "c"], positions_m=[[0, 0], [0, 0], [90, 0]])
    sides = vectors(3, 0)
    neighbors, _ = search_answers(photos, sides, sides, ONE_EACH, 3)
    assert sorted(neighbors[0].tolist()) == [-1, 1, 2]


def test_without_positions_the_photos_of_a_place_count_once():
    """Photos of unknown place, -1, are like no others."""
    photos = PlaceDataset(
        "photos", list("qabcd"), place_ids=[0, 0, 0, -1, -1],
        is_query=[1, 0, 0, 0, 0], is_database=[0, 1, 1, 1, 1],
    )  # fmt: skip
    database = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)
    neighbors, _ = search_answers(photos, database, np.float32([[1, 0]]), ONE_EACH, 4)
    assert neighbors.tolist() == [[0, 2, 3, -1]]


def test_says_what_the_rules_leave_out():
    photos, _ = panoramas(times_s=np.zeros(45))
    assert AnswerRules(25.0, None, None, False).notes(photos) == []
    assert "Tokyo 24/7" in ONE_EACH.notes(photos)[0]
    both = PlaceDataset("photos", ["a", "b"], positions_m=np.zeros((2, 2)), times_s=[1, 2])
    (note,) = AnswerRules(25.0, None, None, False).notes(both)
    assert "Tokyo Time Machine" in note
    notes = AnswerRules(25.0, 30.0, 45.0, False).notes(both)
    assert "less than 30 s" in notes[0] and "more than 45 degrees" in notes[1]
