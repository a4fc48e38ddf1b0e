import dataclasses

import numpy as np
import pytest

from placevec.evaluation.judge import Judgment


def test_gaps_equal_plain_loops(make_evaluation):
    evaluation = make_evaluation()
    judged = Judgment(dataclasses.replace(evaluation, radius_m=150.0))
    east = evaluation.dataset.positions_m[evaluation.dataset.database][:, 0]
    for row, (found, values) in enumerate(
        zip(evaluation.neighbors, evaluation.similarities, strict=True)
    ):
        far = [
            value
            for photo, value in zip(found, values, strict=True)
            if abs(east[photo] - east[found[0]]) > 150
        ]
        assert judged.gaps[row] == pytest.approx(values[0] - max([*far, values[-1]]))


def test_recall_over_radius_equals_counting(make_evaluation):
    evaluation = make_evaluation()
    judged = Judgment(evaluation)
    places_m = evaluation.dataset.positions_m
    queries, database = places_m[:12], places_m[12:]
    radii = np.array([0.0, 100.0, 350.0, 1e6])
    for radius, share in zip(radii, judged.recall_over_radius(radii), strict=True):
        steps = np.linalg.norm(queries[:, None] - database[None], axis=2)
        answerable = (steps <= radius).any(axis=1)
        found = steps[np.arange(12), evaluation.neighbors[:, 0]] <= radius
        assert share == pytest.approx(found[answerable].mean())


def test_answers_in_the_ignored_band_count_neither_way(make_evaluation):
    evaluation = make_evaluation()
    wide = Judgment(evaluation, wrong_beyond_m=1e9)
    assert (wide.is_ignored == ~wide.is_right).all()
    assert wide.curve(wide.gaps).precision.tolist() == [1.0] * len(wide.curve(wide.gaps).precision)


def test_places_are_squares_of_two_radii(make_evaluation):
    evaluation = make_evaluation()
    assert len(np.unique(Judgment(evaluation).places)) == 12
    wide = Judgment(dataclasses.replace(evaluation, radius_m=250.0))
    assert len(np.unique(wide.places)) == 4


def test_runs_are_resampled_if_there_are_enough(make_evaluation):
    evaluation = make_evaluation()
    runs = np.arange(24) % 12
    dataset = dataclasses.replace(evaluation.dataset, sequence_ids=runs)
    assert (Judgment(dataclasses.replace(evaluation, dataset=dataset)).places == runs[:12]).all()
