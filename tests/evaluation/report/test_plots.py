import re

import numpy as np
import pytest

from placevec.evaluation.report.plots import Line, _ticks, draw_histogram, draw_lines


@pytest.mark.parametrize(
    "low, high, ticks",
    [(0, 100, [0, 20, 40, 60, 80, 100]), (1, 20, [5, 10, 15, 20]), (0.379, 1, [0.4, 0.6, 0.8, 1])],
)
def test_ticks_are_round(low, high, ticks):
    assert _ticks(low, high) == ticks


def test_a_point_lies_where_its_values_say():
    svg = draw_lines([Line("a", [0, 10], [0, 100], "#000")], "x", "y")
    assert re.search('points="([^"]*)"', svg)[1] == "46.0,230.0 388.0,12.0"


def test_ranks_are_drawn_by_their_logarithm():
    svg = draw_lines([Line("a", [1, 10, 100], [0, 50, 100], "#000")], "x", "y", is_log=True)
    assert re.search('points="([^"]*)"', svg)[1] == "46.0,230.0 217.0,121.0 388.0,12.0"
    for tick in ("1", "2", "5", "10", "20", "50", "100"):
        assert f">{tick}</text>" in svg


def test_the_axis_begins_at_the_tens_below_all_lines():
    lines = [Line("a", [0, 1], [64, 90], "#000"), Line("b", [0, 1], [57, np.nan], "#000", True)]
    svg = draw_lines(lines, "x", "y")
    assert re.findall('points="([^"]*)"', svg)[0].split(",")[1].startswith("169.0")
    assert re.findall('font-size="11">([^<]*)</text>', svg) == ["a"]  # dashed lines go with others


def test_values_that_are_missing_break_nothing():
    assert "nan" not in draw_lines([Line("a", [0, 1, 2], [1, np.nan, 3], "#000")], "x", "y")
    assert draw_lines([Line("a", [], [], "#000")], "x", "y").startswith("<svg")
    assert draw_histogram([("none", np.zeros(0), "#000")], "x").startswith("<svg")


def test_a_histogram_counts_all_values():
    svg = draw_histogram([("right", np.array([0.1, 0.1, 0.9]), "#000")], "x", num_bins=2)
    assert re.findall("<title>right: ([0-9]+)</title>", svg) == ["2", "1"]


def test_labels_are_text():
    assert "<b>" not in draw_lines([Line("<b>", [0, 1], [0, 1], "#000")], "x", "y")
