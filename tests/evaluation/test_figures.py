import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from placevec.evaluation import Evaluation, draw_matches, draw_recall, figures
from placevec.images.contact_sheet import _LONGEST_SIDE
from placevec.places import PlaceDataset, Split

GREEN, RED = (0x2A, 0x9D, 0x3F), (0xD1, 0x37, 0x2C)


def read_picture(path):
    """Returns a picture as (H, W, 3) RGB, and checks that its size is sane."""
    pixels = cv2.imread(str(path))[..., ::-1]
    rows, columns = pixels.shape[:2]
    assert 100 <= rows <= 2000
    assert 100 <= columns <= 2000
    return pixels


def count(pixels, color):
    return int((np.abs(pixels.astype(int) - color).max(axis=2) < 12).sum())


@pytest.fixture
def make_evaluation(write_photos, tmp_path):
    """Returns a function that makes an evaluation of 3 gray queries and a database of 4."""
    shades = [(shade, shade, shade) for shade in range(40, 180, 20)]
    names = [path.name for path in write_photos(shades)]

    def make(neighbors, relevant):
        dataset = PlaceDataset(
            tmp_path, names, positions_m=np.zeros((7, 2)),
            is_query=[1, 1, 1, 0, 0, 0, 0], is_database=[0, 0, 0, 1, 1, 1, 1],
        )  # fmt: skip
        neighbors = np.array(neighbors)
        return Evaluation(
            dataset=dataset,
            neighbors=neighbors,
            similarities=np.full(neighbors.shape, 0.5, np.float32),
            relevant=[np.array(right, int) for right in relevant],
            descriptor_dim=3,
        )

    return make


def test_refuses_to_draw_evaluations_of_other_queries(make_evaluation, tmp_path):
    whole = make_evaluation([[0], [1], [2]], [[0], [1], [2]])
    part = whole.of_queries(np.array([False, True, True]))
    with pytest.raises(ValueError, match="of the same queries. Received: others for 'after'"):
        draw_matches({"before": whole, "after": part}, tmp_path / "matches.png")


def test_draws_a_recall_curve_for_each_model(tmp_path):
    curves = {"before": {1: 0.2, 5: 0.5, 10: 0.7}, "after": {1: 0.6, 5: 0.9, 10: 1.0}}
    draw_recall(curves, tmp_path / "both.png")
    draw_recall({"before": curves["before"]}, tmp_path / "one.png")
    both, one = read_picture(tmp_path / "both.png"), read_picture(tmp_path / "one.png")
    assert both.shape == one.shape
    orange = (0xFF, 0x7F, 0x0E)  # matplotlib's second line
    assert count(both, orange) > 100
    assert count(one, orange) == 0


def test_draws_a_curve_of_a_single_point(tmp_path):
    draw_recall({"one": {1: 0.0}}, tmp_path / "recall.png")
    read_picture(tmp_path / "recall.png")


@pytest.mark.parametrize("curves", [{}, {"empty": {}}])
def test_refuses_to_draw_no_curve(tmp_path, curves):
    with pytest.raises(ValueError, match="one model and one N to draw recall. Received: none"):
        draw_recall(curves, tmp_path / "recall.png")
    assert list(tmp_path.iterdir()) == []


def test_frames_right_matches_green_and_wrong_ones_red(make_evaluation, tmp_path):
    right = make_evaluation([[0, 1], [1, 2], [2, 3]], [[0, 1], [1, 2], [2, 3]])
    wrong = make_evaluation([[0, 1], [1, 2], [2, 3]], [[3], [3], [0]])
    draw_matches({"model": right}, tmp_path / "right.png", num_matches=2)
    draw_matches({"model": wrong}, tmp_path / "wrong.png", num_matches=2)
    right, wrong = read_picture(tmp_path / "right.png"), read_picture(tmp_path / "wrong.png")
    assert right.shape == wrong.shape
    assert count(right, GREEN) > 1000
    assert count(right, RED) == 0
    assert count(wrong, RED) > 1000
    assert count(wrong, GREEN) == 0


def test_draws_only_queries_that_have_a_right_answer(make_evaluation, tmp_path):
    neighbors = [[0, 1], [1, 2], [2, 3]]
    draw_matches({"m": make_evaluation(neighbors, [[0], [], [2]])}, tmp_path / "two.png")
    draw_matches({"m": make_evaluation(neighbors, [[0], [1], [2]])}, tmp_path / "three.png")
    two, three = read_picture(tmp_path / "two.png"), read_picture(tmp_path / "three.png")
    assert two.shape[0] / 2 == pytest.approx(three.shape[0] / 3, abs=1)


def test_draws_as_many_rows_as_asked_and_the_same_for_a_seed(make_evaluation, tmp_path):
    evaluation = make_evaluation([[0, 1], [1, 2], [2, 3]], [[0], [1], [2]])
    pictures = []
    for name, seed in [("a", 0), ("b", 0), ("c", 1), ("d", 2), ("e", 3)]:
        path = tmp_path / f"{name}.png"
        draw_matches({"m": evaluation}, path, num_queries=1, num_matches=1, seed=seed)
        pictures.append(read_picture(path))
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert any((picture != pictures[0]).any() for picture in pictures[2:])


def test_two_models_stand_side_by_side(make_evaluation, tmp_path):
    evaluation = make_evaluation([[0, 1], [1, 2], [2, 3]], [[0], [1], [2]])
    draw_matches({"before": evaluation}, tmp_path / "one.png", num_matches=1)
    draw_matches({"before": evaluation, "after": evaluation}, tmp_path / "two.png", num_matches=1)
    one, two = read_picture(tmp_path / "one.png"), read_picture(tmp_path / "two.png")
    assert one.shape[1] / 2 == pytest.approx(two.shape[1] / 3, abs=1)


def test_leaves_a_gap_where_no_photo_was_found(make_evaluation, tmp_path):
    found = make_evaluation([[0, 1]] * 3, [[0, 1]] * 3)
    not_found = make_evaluation([[0, -1]] * 3, [[0, 1]] * 3)
    short = make_evaluation([[0]] * 3, [[0, 1]] * 3)
    for name, evaluation in [("found", found), ("not_found", not_found), ("short", short)]:
        draw_matches({"m": evaluation}, tmp_path / f"{name}.png", num_matches=2)
    found, not_found, short = (
        read_picture(tmp_path / f"{name}.png") for name in ("found", "not_found", "short")
    )
    assert 0 < count(not_found, GREEN) < 0.7 * count(found, GREEN)
    assert count(not_found, RED) == 0
    assert count(short, GREEN) == count(not_found, GREEN)


def test_refuses_to_draw_no_match(make_evaluation, tmp_path):
    with pytest.raises(ValueError, match="No query has a right answer"):
        draw_matches({"m": make_evaluation([[0]] * 3, [[]] * 3)}, tmp_path / "m.png")
    with pytest.raises(ValueError, match="at least one model to draw matches. Received: none"):
        draw_matches({}, tmp_path / "m.png")


def test_large_photos_are_shrunk_before_they_are_kept(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.imshow", lambda axes, pixels, **_: kept.append(pixels)
    )
    names = ["query.png", "found.png"]
    for name in names:
        large = np.zeros((2 * _LONGEST_SIDE + 2, 900, 3), np.uint8)
        cv2.imwrite(str(tmp_path / name), large)
    dataset = PlaceDataset(tmp_path, names, place_ids=[0, 0], is_query=[1, 0], is_database=[0, 1])
    first = np.zeros((1, 1), int)
    evaluation = Evaluation(dataset, first, first.astype(np.float32), [first[0]], 3)
    draw_matches({"m": evaluation}, tmp_path / "matches.png")
    assert [pixels.shape for pixels in kept] == [(428, 300, 3)] * 2
    assert all(pixels.base is None for pixels in kept)  # nothing holds the large photo


def test_a_map_of_frames_is_not_in_metres(tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda self, path, **_: (
            labels.append([self.axes[0].get_xlabel(), self.axes[0].get_ylabel()])
            or path.write(b"a")
        ),
    )
    for frame in ("frames", "UTM 31U"):
        dataset = PlaceDataset(tmp_path, ["a", "b"], positions_m=[[0, 0], [9, 1]], frame=frame)
        split = Split(np.array(["train", "val"]), np.array(["", ""]))
        figures.draw_split(dataset, split, tmp_path / "map.png")
    assert labels == [["frames after 0", ""], ["m east of 0", "m north of 0"]]
