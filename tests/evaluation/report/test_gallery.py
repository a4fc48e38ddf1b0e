import dataclasses

import numpy as np
import pytest

from placevec.evaluation.judge import Judgment
from placevec.evaluation.report.gallery import failures, least_sure


@pytest.fixture
def judge(make_evaluation):
    """Returns a function from the first answers of 12 queries to a Judgment."""

    def judge(answers, **changes):
        evaluation = make_evaluation()
        neighbors = evaluation.neighbors.copy()
        for row, answer in enumerate(answers):
            others = np.setdiff1d(np.arange(12), answer)[:4]
            neighbors[row] = [answer, *others]
        return Judgment(dataclasses.replace(evaluation, neighbors=neighbors, **changes))

    return judge


RIGHT = [*range(11), 0]
WRONG_3 = [0, 1, 2, 7, *range(4, 11), 0]


def test_models_that_found_the_same_photo_share_it(judge):
    judged = {"a": judge(WRONG_3), "b": judge(RIGHT), "c": judge(WRONG_3)}
    (card,) = failures(judged).cards
    captions = [photo.caption for photo in card.photos]
    assert [photo.name for photo in card.photos] == ["photo03.png", "photo19.png", "photo15.png"]
    assert captions[0] == "query"
    assert captions[1].startswith("similarity a 0.") and ", c 0." in captions[1]
    assert captions[1].endswith("400.0 m; 20° apart") and card.photos[1].tag == "wrong"
    assert captions[2].startswith("similarity b 0.")
    assert card.photos[2].tag == "right" and "worse" in card.kinds


def test_failures_of_each_model_have_a_button(judge):
    wrong_5 = [0, 1, 2, 3, 4, 9, *range(6, 11), 0]
    gallery = failures({"a": judge(WRONG_3), "b": judge(wrong_5)})
    kinds = {card.query: set(card.kinds) for card in gallery.cards}
    assert kinds == {3: {"wrong", "fails-with-0", "worse"}, 5: {"right", "fails-with-1", "better"}}
    assert [gallery.filters[f"fails-with-{model}"] for model in (0, 1)] == ["a fails", "b fails"]
    assert "fail: 1 with a and 1 with b. " in gallery.note


def test_each_model_has_its_share_of_the_cards(judge, monkeypatch):
    monkeypatch.setattr("placevec.evaluation.report.gallery._MOST_CARDS", 4)
    all_wrong = [11] * 11 + [0]
    gallery = failures({"a": judge(all_wrong), "b": judge(WRONG_3)})
    assert len(gallery.cards) == 4 and 3 in {card.query for card in gallery.cards}


def test_a_query_without_any_answer_shows_words_and_no_photo(judge):
    nothing = judge(WRONG_3)
    nothing.evaluation.neighbors[3] = -1
    (card,) = failures({"a": nothing}).cards
    assert (card.photos[1].jpeg_base64, card.photos[1].caption) == (None, "a: nothing found")


def test_of_one_model_the_best_right_answer_is_beside_the_wrong_one(judge):
    (card,) = failures({"a": judge(WRONG_3)}).cards
    assert [photo.tag for photo in card.photos] == ["", "wrong", "right"]
    assert card.photos[1].caption.startswith("similarity 0.")
    assert card.photos[2].caption.startswith("best right answer, rank 5: similarity 0.")


def test_points_that_rerankers_matched_are_joined_by_lines(judge):
    points = [np.tile(np.float32([[0.5, 0.5, 0.5, 0.5]]), (row, 1)) for row in range(12)]
    gallery = failures({"a": judge(WRONG_3), "a reranked": judge(WRONG_3, points=points)})
    (card,) = gallery.cards
    joined = card.photos[0]
    assert joined.lines == [[0.25, 0.5, 0.75, 0.5]] * 3
    assert "3 points shared with the query" in joined.caption
    assert not any(photo.caption == "query" for photo in card.photos)
    assert "Lines join the points" in gallery.note


def test_without_points_there_is_no_line(judge):
    gallery = failures({"a": judge(WRONG_3, points=[np.zeros((0, 4), np.float32)] * 12)})
    assert not any(len(photo.lines) for photo in gallery.cards[0].photos)
    assert gallery.cards[0].photos[0].caption == "query"


def test_the_least_sure_queries_are_failures_then_right_answers(judge):
    judged = judge(WRONG_3)
    order = least_sure(judged).tolist()
    assert order[0] == 3 and sorted(order) == list(range(11))
    assert np.all(np.diff(judged.gaps[order[1:]]) >= 0)
