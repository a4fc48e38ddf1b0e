import csv
import dataclasses
import html
import json
import re

import numpy as np
import pytest

from placevec.evaluation.report import write_report


@pytest.fixture
def written(make_evaluation, tmp_path):
    out = tmp_path / "report"
    write_report({"A": make_evaluation(0), "B": make_evaluation(1)}, out, settings={"radius": 25})
    return out


def test_the_page_needs_nothing_else(written):
    text = (written / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", text)
    assert text.count("<svg") == 6  # recall, precision, radius, two of similarities, map


def test_names_are_text(written):
    text = (written / "report.html").read_text()
    assert "<script>alert" not in text
    assert html.escape("<script>alert(1)<_script>.png") in text


def test_shows_failures_and_where_models_differ(written, make_evaluation):
    text = (written / "report.html").read_text()
    one, other = make_evaluation(0), make_evaluation(1)
    failed = ~one.is_right[:11, 0]
    lost = one.is_right[:11, 0] & ~other.is_right[:11, 0]
    assert text.count('class="card"') == (failed | lost).sum()
    assert "A right, B wrong" in text


def test_predictions_have_a_row_for_each_answer(written):
    with (written / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 12 * 5
    assert list(rows[0]) == [
        "model", "query", "rank", "match", "similarity", "distance_m", "heading_difference_deg",
        "right", "just_outside",
    ]  # fmt: skip
    assert rows[0]["right"] == "True" and float(rows[0]["distance_m"]) == 0
    assert float(rows[0]["heading_difference_deg"]) == 20


def test_metrics_hold_both_denominators(written, make_evaluation):
    metrics = json.loads((written / "metrics.json").read_text())["A"]
    ranks = range(1, 6)
    wanted = make_evaluation(0).recall_at(ranks)
    assert metrics["recall"] == {str(rank): pytest.approx(wanted[rank]) for rank in ranks}
    assert metrics["recall_of_all_queries"] == {
        str(rank): pytest.approx(wanted[rank] * 11 / 12) for rank in ranks
    }
    assert list(metrics["recall_interval"]) == list(metrics["recall"])
    low, high = metrics["recall_interval"]["1"]
    assert low < metrics["recall"]["1"] < high


def test_models_are_compared_as_far_as_all_of_them_searched(make_evaluation, tmp_path):
    """Re-ranking many answers searches deeper than a model beside it."""
    one, other = make_evaluation(0), make_evaluation(1)
    other = dataclasses.replace(
        other, neighbors=other.neighbors[:, :3], similarities=other.similarities[:, :3]
    )
    write_report({"A": one, "B": other}, tmp_path / "report")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert [list(each["recall"]) for each in metrics.values()] == [["1", "2", "3"]] * 2
    assert metrics["A"]["recall"]["3"] == pytest.approx(one.recall_at([3])[3])


def test_photos_that_are_gone_leave_a_gap(make_evaluation, tmp_path):
    evaluation = make_evaluation()
    for path in evaluation.dataset.paths():
        path.unlink()
    page = write_report({"A": evaluation}, tmp_path / "report")
    assert "file of this photo is missing" in page.read_text() and "<img" not in page.read_text()


def test_a_page_of_many_queries_stays_small(make_evaluation, tmp_path):
    """The number of cards is bounded, so ten times the queries add a dot each."""
    evaluation = make_evaluation()
    rows = np.concatenate([np.tile(np.arange(12), 100), np.arange(12, 24)])
    names = np.array([f"{number}.png" for number in range(1200)] + [f"d{n}.png" for n in range(12)])
    dataset = dataclasses.replace(
        evaluation.dataset.take(np.arange(24)),
        names=names,
        positions_m=evaluation.dataset.positions_m[rows],
        headings_deg=None,
        is_query=np.arange(1212) < 1200,
        is_database=np.arange(1212) >= 1200,
    )
    many = dataclasses.replace(
        evaluation,
        dataset=dataset,
        neighbors=np.tile(evaluation.neighbors, (100, 1)),
        similarities=np.tile(evaluation.similarities, (100, 1)),
        relevant=list(evaluation.relevant) * 100,
    )
    page = write_report({"A": many}, tmp_path / "report").read_text()
    assert page.count('class="card"') == 150 and page.count("data-query=") == 1200


def test_refuses_none_and_other_queries(make_evaluation, tmp_path):
    with pytest.raises(ValueError, match="at least one model"):
        write_report({}, tmp_path / "report")
    evaluation = make_evaluation()
    part = evaluation.of_queries(np.arange(12) < 5)
    with pytest.raises(ValueError, match="compared on the same queries"):
        write_report({"A": evaluation, "B": part}, tmp_path / "report")
