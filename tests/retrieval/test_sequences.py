import numpy as np
import pytest

from placevec.retrieval.sequences import (
    SequenceMatcher,
    match_sequences,
    nearest_by_sequence,
    runs_in_order,
)


def in_plain_loops(similarities, query_runs, runs, length):
    scores = np.zeros(similarities.shape)
    for query in range(len(similarities)):
        past = [query]
        while (
            len(past) < length
            and past[-1] > 0
            and query_runs[past[-1] - 1] == query_runs[query] >= 0
        ):
            past.append(past[-1] - 1)
        for row in range(len(runs)):
            best = -np.inf
            for speed in (0.8, 0.9, 1.0, 1.1, 1.2):
                for direction in (1, -1):
                    total = 0.0
                    for back, earlier in enumerate(past):
                        known = similarities[earlier][np.isfinite(similarities[earlier])]
                        place = row - direction * round(speed * back)
                        is_inside = 0 <= place < len(runs) and runs[place] == runs[row]
                        is_inside = is_inside and (runs[row] >= 0 or back == 0)
                        is_inside = is_inside and np.isfinite(similarities[earlier, place])
                        total += similarities[earlier, place] if is_inside else known.mean()
                    best = max(best, total / len(past))
            is_answer = np.isfinite(similarities[query, row])
            scores[query, row] = best if is_answer else -np.inf
    return scores


def some(num_queries=14, num_database=17, seed=0):
    rng = np.random.default_rng(seed)
    similarities = rng.uniform(-1, 1, (num_queries, num_database)).astype(np.float32)
    query_runs = np.array([0] * 6 + [-1] * 2 + [4] * 6)[:num_queries]
    runs = np.array([3] * 5 + [-1] * 3 + [0] * 8 + [1])[:num_database]
    return similarities, query_runs, runs


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_equals_plain_loops(length):
    similarities, query_runs, runs = some()
    scores = match_sequences(similarities, query_runs, runs, length)
    expected = in_plain_loops(similarities, query_runs, runs, length)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_what_may_not_answer_is_no_answer_and_helps_no_other():
    similarities, query_runs, runs = some()
    similarities[2:5, 3] = -np.inf
    similarities[7, 8:] = -np.inf
    scores = match_sequences(similarities, query_runs, runs, 4)
    np.testing.assert_allclose(scores, in_plain_loops(similarities, query_runs, runs, 4), atol=1e-6)
    assert np.isneginf(scores[2:5, 3]).all()


def test_a_run_of_one_is_the_photo_alone():
    similarities, query_runs, runs = some()
    np.testing.assert_array_equal(match_sequences(similarities, query_runs, runs, 1), similarities)


@pytest.mark.parametrize("direction", [1, -1])
def test_finds_a_run_that_single_photos_do_not_tell(direction):
    rng = np.random.default_rng(1)
    similarities = rng.uniform(0, 1, (10, 60))
    places = 30 + direction * np.arange(10)
    similarities[np.arange(10), places] = 0.9
    alone = similarities.argmax(axis=1) == places
    scores = match_sequences(similarities, np.zeros(10, int), np.zeros(60, int), 6)
    together = scores.argmax(axis=1) == places
    assert alone.mean() < 0.5 and together[5:].all()


def test_photo_by_photo_equals_all_at_once():
    similarities, query_runs, runs = some()
    matcher, rows = SequenceMatcher(runs, 4), []
    for row, each in enumerate(similarities):
        if row and (query_runs[row] != query_runs[row - 1] or query_runs[row] < 0):
            matcher.start_run()
        rows.append(matcher.add(each))
    np.testing.assert_array_equal(rows, match_sequences(similarities, query_runs, runs, 4))


def test_memory_does_not_grow_with_the_photos():
    similarities, _, runs = some()
    matcher = SequenceMatcher(runs, 3)
    for _ in range(5):
        for each in similarities:
            matcher.add(each)
    assert len(matcher._past) == 3


def test_an_empty_database_has_no_scores():
    assert match_sequences(np.zeros((2, 0)), np.zeros(2), np.zeros(0), 3).shape == (2, 0)


def test_refuses_no_photos():
    with pytest.raises(ValueError, match="`length` must be at least 1. Received: length=0"):
        SequenceMatcher(np.zeros(3, int), 0)


def test_refuses_runs_that_are_interrupted():
    with pytest.raises(ValueError, match="must follow one another.*3 parts of 2 runs"):
        SequenceMatcher(np.array([0, 1, -1, 0]), 2)


def test_refuses_similarities_that_do_not_fit():
    with pytest.raises(ValueError, match=r"must be \(3,\).*shape \(4,\)"):
        SequenceMatcher(np.zeros(3, int), 2).add(np.zeros(4))
    with pytest.raises(ValueError, match=r"must be \(2, 3\)"):
        match_sequences(np.zeros((3, 2)), np.zeros(2, int), np.zeros(3, int), 2)


def test_the_photos_of_a_folder_or_a_video_are_a_run_by_their_numbers():
    names = ["b/10.jpg", "walk.mp4#000002", "b/9.jpg", "a/1.jpg", "walk.mp4#000001", "b/c/2.jpg"]
    order, runs = runs_in_order(names)
    found = [(names[row], run) for row, run in zip(order.tolist(), runs.tolist(), strict=True)]
    assert found == [
        ("a/1.jpg", 0), ("b/9.jpg", 1), ("b/10.jpg", 1), ("b/c/2.jpg", 2),
        ("walk.mp4#000001", 3), ("walk.mp4#000002", 3),
    ]  # fmt: skip


def test_sequences_and_times_come_before_folders_and_names():
    names = ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    times_s = np.array([5.0, 9.0, 7.0, np.nan])
    order, runs = runs_in_order(names, times_s, np.array([4, 4, 4, -1]))
    assert (order.tolist(), runs.tolist()) == ([3, 0, 2, 1], [-1, 4, 4, 4])
    # A run with a photo of unknown time goes by its names.
    assert runs_in_order(names, times_s)[0].tolist() == [3, 2, 1, 0]


def test_no_photos_are_no_runs():
    order, runs = runs_in_order([])
    assert len(order) == len(runs) == 0


def test_the_nearest_by_sequence_are_those_of_the_best_scores():
    similarities, query_runs, runs = some()
    similarities[3, 4:] = -np.inf
    order = np.random.default_rng(5).permutation(17)
    queries = np.random.default_rng(6).permutation(14)
    shuffled = np.empty_like(similarities)  # database rows out of their order
    shuffled[:, order] = similarities
    neighbors, scores = nearest_by_sequence(
        iter(shuffled), (queries, query_runs), (order, runs), 4, 6
    )
    expected = in_plain_loops(similarities, query_runs, runs, 4)
    for place, query in enumerate(queries):
        by_row = np.empty(17)
        by_row[order] = expected[place]
        best = [row for row in np.argsort(-by_row, kind="stable") if np.isfinite(by_row[row])][:6]
        assert neighbors[query].tolist() == best + [-1] * (6 - len(best))
        np.testing.assert_allclose(scores[query, : len(best)], by_row[best], atol=1e-6)


def test_a_database_that_grows_equals_one_that_is_there_from_the_start():
    """Photos that come later are no answers to earlier queries."""
    rng = np.random.default_rng(0)
    runs = np.repeat([0, 1], 8)
    similarities = np.where(
        np.arange(16) < np.arange(6, 16)[:, None], rng.random((10, 16)), -np.inf
    )
    growing = SequenceMatcher(runs[:0], 4)
    expected = SequenceMatcher(runs, 4)
    for count, row in zip(range(6, 16), similarities, strict=True):
        growing.grow(runs[:count])
        np.testing.assert_allclose(growing.add(row[:count]), expected.add(row)[:count], rtol=1e-6)


def test_forgotten_photos_leave_the_scores_of_the_others():
    """The runs that are left begin after what is forgotten."""
    similarities = np.random.default_rng(0).random((6, 12))
    runs = np.repeat([0, 1], 6)
    whole, shorter = SequenceMatcher(runs, 3), SequenceMatcher(runs, 3)
    for row in similarities[:5]:
        whole.add(row), shorter.add(row)
    shorter.forget(6)
    np.testing.assert_array_equal(shorter.add(similarities[5][6:]).argmax(),
                                  whole.add(similarities[5])[6:].argmax())  # fmt: skip
