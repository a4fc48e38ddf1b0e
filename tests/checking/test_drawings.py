import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from placevec.checking.drawings import draw_headings, draw_map, map_caption
from placevec.places import PlaceDataset

SVG = "{http://www.w3.org/2000/svg}"


def dataset(positions_m, **known):
    names = [str(i) for i in range(len(positions_m))]
    return PlaceDataset("photos", names, positions_m=positions_m, **known)


def elements(svg, tag):
    return list(ElementTree.fromstring(svg).iter(SVG + tag))


def test_the_map_is_drawn_north_up():
    svg = draw_map(dataset([[0.0, 0], [100, 0], [0, 50]]))
    x, y = (np.array([float(dot.get(c)) for dot in elements(svg, "circle")]) for c in ("cx", "cy"))
    assert x[1] > x[0] == x[2]
    assert y[2] < y[0] == y[1]
    assert x[1] - x[0] == pytest.approx(2 * (y[0] - y[2]), abs=0.2)


def test_headings_point_clockwise_from_north_and_unknown_ones_nowhere():
    svg = draw_map(dataset([[0.0, 0], [9, 0], [5, 5]], headings_deg=[0, 90, np.nan]))
    (path,) = [each for each in elements(svg, "path") if each.get("fill") == "none"]
    steps = re.findall(r"l(-?[\d.]+) (-?[\d.]+)", path.get("d"))
    assert [(float(x), float(y)) for x, y in steps] == [(0, -9), (9, 0)]


def test_colors_tell_roles_or_splits():
    photos = dataset([[0.0, 0], [1, 0], [2, 0]], is_query=[1, 0, 1], is_database=[0, 1, 1])
    colors = [dot.get("fill") for dot in elements(draw_map(photos), "circle")]
    assert colors[0] != colors[1] == colors[2]
    splits = np.array([0, 1, -1])
    assert len({dot.get("fill") for dot in elements(draw_map(photos, splits), "circle")}) == 3


@pytest.mark.parametrize("positions_m", [np.zeros((1, 2)), np.zeros((3, 2)), [[0.0, 0], [1e7, 0]]])
def test_draws_any_extent(positions_m):
    assert len(elements(draw_map(dataset(positions_m)), "circle")) == len(positions_m)


def test_many_photos_are_a_bounded_number_of_cells():
    positions_m = np.random.default_rng(0).random((30_000, 2)) * [1000, 400]
    svg = draw_map(dataset(positions_m))
    assert not elements(svg, "circle")
    counts = [int(title.text.split()[0]) for title in elements(svg, "title")]
    assert len(counts) <= 80 * 80
    assert sum(counts) == 30_000


def test_a_sector_is_the_longer_the_more_photos_look_there():
    svg = draw_headings(np.array([95.0, 95, 95, 95, 275]))
    (path,) = elements(svg, "path")
    east, west = (re.findall(r"L([\d.]+)", part)[0] for part in path.get("d").split("Z")[:2])
    assert float(east) - 110 == pytest.approx(2 * (110 - float(west)), abs=0.3)
    assert elements(draw_headings(np.array([359.999999])), "path")


def test_the_caption_says_what_colors_and_lines_mean():
    photos = dataset([[0.0, 0], [1, 0]])
    caption = map_caption(photos, by_split=False)
    assert caption.endswith("A dot is a photo; blue: database, red: looked up only.")
    looking = dataset([[0.0, 0]], headings_deg=[0])
    assert "where it looks; blue: train" in map_caption(looking, by_split=True)
    assert "cell" in map_caption(dataset(np.zeros((2001, 2))), by_split=True)


@pytest.mark.parametrize("frame", ["local", "SLAM units", "frames"])
def test_a_narrow_map_holds_the_whole_bar_and_its_label(frame):
    svg = draw_map(dataset([[0.0, 0], [15, 290]], frame=frame))
    bar = next(each for each in elements(svg, "path") if "h" in each.get("d"))
    start, length = re.fullmatch(r"M(\d+) [\d.]+h([\d.]+)", bar.get("d")).groups()
    (label,) = elements(svg, "text")
    width = float(ElementTree.fromstring(svg).get("width"))
    assert float(start) + float(length) <= width
    assert float(label.get("x")) + 6.5 * len(label.text) <= width
    unit = {"local": "m", "SLAM units": "units", "frames": "frames"}[frame]
    assert label.text == f"100 {unit}"
