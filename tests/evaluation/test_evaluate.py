import dataclasses
import functools
import json
import math
import sys

import cv2
import numpy as np
import pandas as pd
import pytest

from placevec.evaluation import Evaluation, evaluate
from placevec.images import read_image
from placevec.models import Engine
from placevec.places import PlaceDataset
from placevec.retrieval.hubness import without_hubs
from placevec.retrieval.normalize import Normalizer
from placevec.sources import open_places
from placevec.store import fit_map_statistics, nearest

SIZE = (32, 48)
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


@pytest.fixture
def make_dataset(write_photos, tmp_path):
    """Returns a function from colors and positions on a line, in metres, to a data set."""

    def make(colors, east_m, **arrays):
        names = [path.name for path in write_photos(colors)]
        positions_m = [[east, 0.0] for east in east_m]
        return PlaceDataset(tmp_path, names, positions_m=positions_m, **arrays)

    return make


def never(photos):
    raise AssertionError("described photos before looking at the data set")


def test_measures_recall_by_hand(make_dataset, mean_color):
    """Queries red, green, blue; database red at 0 m, greenish at 100 m, blue at 9000 m.

    Red finds its place first. Green finds green, 5 m off, first. Blue stands at 200 m, where no
    database photo is near: it has no right answer.
    """
    dataset = make_dataset(
        [RED, GREEN, BLUE, RED, (20, 250, 0), BLUE],
        [0, 105, 200, 0, 100, 9000],
        is_query=[1, 1, 1, 0, 0, 0],
        is_database=[0, 0, 0, 1, 1, 1],
    )
    evaluation = evaluate(dataset, mean_color, radius_m=25.0, image_size=SIZE)
    assert evaluation.recall == {1: 1.0, 5: 1.0, 10: 1.0}
    assert evaluation.neighbors[:, 0].tolist() == [0, 1, 2]
    assert [right.tolist() for right in evaluation.relevant] == [[0], [1], []]
    assert evaluation.summary() == {
        "recall": {"1": 1.0, "5": 1.0, "10": 1.0},
        "num_queries": 3,
        "num_queries_without_positive": 1,
        "num_database": 3,
        "descriptor_dim": 3,
    }


def test_writes_the_report_of_descriptors_that_others_made(make_dataset, tmp_path):
    dataset = make_dataset([RED, GREEN, BLUE], [0, 100, 5])
    np.save(tmp_path / "theirs.npy", np.eye(3, dtype=np.float32)[[0, 1, 0]])
    out = tmp_path / "report"
    found = evaluate(dataset, tmp_path / "theirs.npy", out=out, wrong_beyond_m=50.0)
    assert found.recall[1] == 1.0
    assert list(json.loads((out / "metrics.json").read_text())) == ["theirs"]
    assert "wrong_beyond_m" in (out / "report.html").read_text()


def test_refuses_a_report_in_a_missing_folder_before_the_long_work(make_dataset, tmp_path):
    dataset = make_dataset([RED, RED], [0, 5])
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        evaluate(dataset, never, out=tmp_path / "missing" / "report")


def test_says_which_recall_is_saturated(make_dataset, mean_color):
    arrays = {"is_query": [1, 0, 0], "is_database": [0, 1, 1]}
    colors = [RED, RED, BLUE]
    right, wrong = (
        evaluate(make_dataset(colors, east_m, **arrays), mean_color, radius_m=25, image_size=SIZE)
        for east_m in ([0, 0, 500], [0, 500, 0])
    )
    of_two = "recall@5 and recall@10 of a database of 2 photos: 100 % for any model"
    first, second = right.saturation()
    assert "recall@1 is 100 % on 1 query and 2 database photos: it is saturated" in first
    assert (second, wrong.saturation()) == (of_two, [of_two])


def test_a_wrong_photo_before_the_right_one_costs_recall_at_1(make_dataset, mean_color):
    dataset = make_dataset(
        [RED, RED, (250, 60, 0)], [0, 500, 0], is_query=[1, 0, 0], is_database=[0, 1, 1]
    )
    evaluation = evaluate(dataset, mean_color, image_size=SIZE)
    assert evaluation.recall == {1: 0.0, 5: 1.0, 10: 1.0}
    assert evaluation.recall_at((1, 2)) == {1: 0.0, 2: 1.0}


def test_the_last_photo_of_a_small_database_can_be_the_right_one(make_dataset, mean_color):
    """Fewer database photos than neighbors sought: the query is not among them, none may go."""
    colors = [(250, 40 * number, 0) for number in range(5)]
    dataset = make_dataset(
        [RED, *colors], [0, 500, 500, 500, 500, 0],
        is_query=[1, 0, 0, 0, 0, 0], is_database=[0, 1, 1, 1, 1, 1],
    )  # fmt: skip
    evaluation = evaluate(dataset, mean_color, image_size=SIZE)
    assert evaluation.neighbors.tolist() == [[0, 1, 2, 3, 4]]
    assert evaluation.recall == {1: 0.0, 5: 1.0, 10: 1.0}


def test_a_photo_is_never_its_own_answer(make_dataset, mean_color):
    """All photos are queries and database, ever more yellow; 0 and 2, 1 and 3 show one place.

    0 finds 1, 2, 3; 1 finds 0, 2, 3; 2 finds 1, 0, 3; 3 finds 2, 1, 0.
    """
    colors = [(250, green, 0) for green in (0, 5, 60, 200)]
    dataset = make_dataset(colors, [0, 500, 5, 505])
    evaluation = evaluate(dataset, mean_color, radius_m=10.0, image_size=SIZE)
    assert [right.tolist() for right in evaluation.relevant] == [[2], [3], [0], [1]]
    assert evaluation.neighbors.tolist() == [[1, 2, 3, -1], [0, 2, 3, -1], [1, 0, 3, -1],
                                             [2, 1, 0, -1]]  # fmt: skip
    assert (evaluation.similarities[:, 3] == -math.inf).all()
    assert (np.diff(evaluation.similarities[:, :3], axis=1) <= 0).all()
    assert evaluation.recall_at((1, 2, 3)) == {1: 0.0, 2: 0.75, 3: 1.0}


def test_a_photo_that_is_not_searched_keeps_all_its_neighbors(make_dataset, mean_color):
    """One query is in the database, the other is not."""
    dataset = make_dataset([RED, GREEN, BLUE], [0, 1, 2], is_query=[1, 1, 0], is_database=[1, 0, 1])
    evaluation = evaluate(dataset, mean_color, image_size=SIZE)
    assert evaluation.neighbors[0].tolist() == [1, -1]
    assert sorted(evaluation.neighbors[1].tolist()) == [0, 1]


def test_photos_of_the_same_visit_are_no_answers(make_dataset, mean_color, monkeypatch):
    """A drive out and back: without the times each frame finds the one beside it."""
    colors = [(250, green, 0) for green in (0, 5, 60, 65, 70, 61)]
    dataset = make_dataset(colors, [0, 1, 40, 41, 41, 40], times_s=[0, 1, 40, 41, 80, 81])
    easy = evaluate(dataset, mean_color, radius_m=3.0, image_size=SIZE)
    assert easy.recall[1] == 1.0 and easy.summary()["num_queries_without_positive"] == 0
    module = sys.modules["placevec.evaluation.answers"]
    monkeypatch.setattr(module, "_MOST_PAIRS", 12)  # a few queries at a time
    honest = evaluate(
        dataset, mean_color, radius_m=3.0, min_time_difference_s=30.0, image_size=SIZE
    )
    assert [right.tolist() for right in honest.relevant] == [[], [], [4, 5], [4, 5], [2, 3], [2, 3]]
    assert honest.neighbors[2].tolist() == [5, 4, 1, 0, -1, -1]
    assert honest.recall[1] == 1.0


def test_traverses_without_a_query_answer_each_other(write_photos, tmp_path, mean_color):
    for folder, shift in (("day", 0), ("night", 4)):
        (tmp_path / folder).mkdir()
        for number, green in enumerate((0, 100, 200)):
            write_photos([(200, green + shift, 0)])[0].rename(tmp_path / folder / f"{number}.png")
    dataset = open_places(f"sequence:{tmp_path}")
    evaluation = evaluate(dataset, mean_color, radius_m=1.0, image_size=SIZE)
    assert evaluation.recall[1] == 1.0
    assert [right.tolist() for right in evaluation.relevant][:2] == [[3, 4], [3, 4, 5]]
    assert evaluation.neighbors[0, :3].tolist() == [3, 4, 5]


def test_a_large_database_is_searched_for_100_neighbors(make_dataset, mean_color):
    colors = [(250, 2 * number, 0) for number in range(105)]
    evaluation = evaluate(make_dataset(colors, [0] * 105), mean_color, image_size=SIZE)
    assert evaluation.neighbors.shape == evaluation.similarities.shape == (105, 100)
    assert evaluation.neighbors.min() >= 0
    assert not (evaluation.neighbors == np.arange(105)[:, None]).any()
    assert np.isfinite(evaluation.similarities).all()


def test_places_without_positions_are_compared_by_identity(write_photos, tmp_path, mean_color):
    names = [path.name for path in write_photos([RED, (250, 30, 0), BLUE, (0, 40, 250)])]
    dataset = PlaceDataset(tmp_path, names, place_ids=[7, 7, 8, 8])
    assert evaluate(dataset, mean_color, image_size=SIZE).recall[1] == 1.0


def test_the_radius_decides_what_is_right(make_dataset, mean_color):
    dataset = make_dataset([RED, RED, RED], [0, 24, 60], is_query=[1, 0, 0], is_database=[0, 1, 1])
    for radius_m, right in [(23.9, []), (24.0, [0]), (60.0, [0, 1])]:
        if not right:
            with pytest.raises(ValueError, match="none within 23.9 m of a query"):
                evaluate(dataset, mean_color, radius_m=radius_m, image_size=SIZE)
            continue
        evaluation = evaluate(dataset, mean_color, radius_m=radius_m, image_size=SIZE)
        assert evaluation.relevant[0].tolist() == right


def test_the_summary_is_plain_json(make_dataset, mean_color):
    summary = evaluate(make_dataset([RED, RED], [0, 1]), mean_color, image_size=SIZE).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_unreadable_photos_stop_it_with_the_way_out(make_dataset, mean_color, tmp_path):
    dataset = make_dataset([RED, GREEN, BLUE], [0, 1, 2])
    (tmp_path / "photo01.png").write_bytes(b"no photo")
    match = r"1 of 3 photos in .* cannot be read \(first: photo01.png\).*--skip-unreadable"
    with pytest.raises(ValueError, match=match):
        evaluate(dataset, mean_color, image_size=SIZE)


def test_unreadable_photos_are_left_out_where_told(make_dataset, mean_color, tmp_path):
    dataset = make_dataset([RED, GREEN, BLUE], [0, 1, 2])
    (tmp_path / "photo01.png").write_bytes(b"no photo")
    evaluation = evaluate(dataset, mean_color, image_size=SIZE, skip_unreadable=True)
    assert evaluation.dataset.names.tolist() == ["photo00.png", "photo02.png"]
    assert evaluation.summary()["num_queries"] == 2


def test_says_so_when_what_is_left_cannot_be_measured(make_dataset, mean_color, tmp_path):
    dataset = make_dataset([RED, RED], [0, 1])
    (tmp_path / "photo01.png").write_bytes(b"no photo")
    with pytest.raises(ValueError, match="1 query, 1 database photo"):
        evaluate(dataset, mean_color, image_size=SIZE, skip_unreadable=True)


@pytest.mark.parametrize(
    ("is_query", "is_database", "match"),
    [
        ([0, 0], [1, 1], "Received: 0 queries, 2 database photos"),
        ([1, 1], [0, 0], "Received: 2 queries, 0 database photos"),
        ([1, 0], [1, 0], "Received: 1 query, 1 database photo.*none within 25 m of a query"),
    ],
)
def test_refuses_what_cannot_be_measured_before_the_long_work(
    make_dataset, is_query, is_database, match
):
    dataset = make_dataset([RED, GREEN], [0, 1], is_query=is_query, is_database=is_database)
    with pytest.raises(ValueError, match=match):
        evaluate(dataset, never, image_size=SIZE)


def test_refuses_a_negative_radius_before_the_long_work(make_dataset):
    with pytest.raises(ValueError, match="`radius_m` must be at least 0"):
        evaluate(make_dataset([RED, RED], [0, 1]), never, radius_m=-1.0)


def test_refuses_photos_whose_places_are_not_known(make_dataset):
    dataset = make_dataset([RED, RED], [0, 1])
    with pytest.raises(ValueError, match="needs `positions_m` or `place_ids`. Received: neither"):
        evaluate(PlaceDataset(dataset.root, dataset.names), never, image_size=SIZE)


def test_a_model_that_is_open_has_its_engine(make_dataset):
    with pytest.raises(ValueError, match="only apply to the file of a model.*precision='bf16'"):
        evaluate(make_dataset([RED, RED], [0, 1]), never, precision="bf16")


def test_takes_the_model_first_as_before_and_names_the_new_order(make_dataset, mean_color, caplog):
    dataset = make_dataset([RED, RED], [0, 1])
    assert evaluate(mean_color, dataset, image_size=SIZE).recall[1] == 1.0
    assert "takes the places first, then the model" in caplog.text
    caplog.clear()
    assert evaluate(dataset, mean_color, image_size=SIZE).radius_m == 25.0
    assert caplog.text.count("takes the places first") == 0


def test_refuses_descriptors_that_are_no_numbers(make_dataset):
    def broken(photos):
        return np.full((len(photos), 4), np.nan)

    with pytest.raises(ValueError, match="Descriptors must be finite"):
        evaluate(make_dataset([RED, RED], [0, 1]), broken, image_size=SIZE)


def test_looks_up_frames_of_a_video(tmp_path, mean_color):
    """Frame n of 40 is as red as 6n and as green as 240 - 6n, so its neighbors look most alike."""
    writer = cv2.VideoWriter(
        str(tmp_path / "walk.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 30, (48, 32)
    )
    for number in range(40):
        writer.write(np.full((32, 48, 3), (0, 240 - 6 * number, 6 * number), np.uint8))
    writer.release()
    dataset = open_places(f"video:{tmp_path / 'walk.mp4'},stride=4")
    evaluation = evaluate(dataset, mean_color, radius_m=4.0, image_size=SIZE, batch_size=3)
    assert len(dataset) == 10
    assert evaluation.recall_at((1,)) == {1: 1.0}


@pytest.fixture
def evaluation():
    """Queries a (row 1), b (row 3), c (row 4); database d (row 0), <e> (row 2)."""
    dataset = PlaceDataset(
        "photos",
        ["d", "a", "<e>", "b", "c"],
        place_ids=[0, 0, 1, 1, 2],
        is_query=[0, 1, 0, 1, 1],
        is_database=[1, 0, 1, 0, 0],
    )
    neighbors = np.array([[0, 1], [0, 1], [1, -1]])
    similarities = np.array([[0.9, 0.1], [0.8, 0.7], [0.5, -np.inf]], np.float32)
    relevant = [np.array([0]), np.array([1]), np.array([], int)]
    return Evaluation(dataset, neighbors, similarities, relevant, 4)


def test_a_part_of_the_queries_keeps_each_row_with_its_query(evaluation):
    part = evaluation.of_queries(np.array([False, True, True]))
    assert part.dataset.names[part.dataset.queries].tolist() == ["b", "c"]
    assert part.neighbors.tolist() == [[0, 1], [1, -1]]
    assert (evaluation.recall[1], part.recall[1]) == (0.5, 0.0)
    whole, found = evaluation.to_frame(), part.to_frame()
    pd.testing.assert_frame_equal(found, whole[whole["query"] != "a"].reset_index(drop=True))
    assert math.isnan(evaluation.of_queries(np.zeros(3, bool)).recall[1])


@pytest.mark.parametrize("is_kept", [[0, 1], [True, False], [0, 1, 2], [[True], [True], [True]]])
def test_takes_a_part_by_one_truth_value_a_query_only(evaluation, is_kept):
    with pytest.raises(ValueError, match="one for each of the 3 queries"):
        evaluation.of_queries(np.array(is_kept))


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"dataset": PlaceDataset("photos", ["a"], place_ids=[0])}, "one row for each of the 1"),
        ({"neighbors": np.zeros((2, 2), int)}, "one row for each of the 3 queries"),
        ({"similarities": np.zeros((3, 1))}, "one row for each"),
        ({"relevant": [np.array([0])]}, "one row for each"),
        ({"neighbors": np.full((3, 2), 2)}, "`neighbors` must be rows of the 2 database photos"),
        ({"relevant": [np.array([2])] * 3}, "`relevant` must be rows of the 2"),
    ],
)
def test_rows_that_are_not_those_of_the_queries_are_no_evaluation(evaluation, changed, match):
    with pytest.raises(ValueError, match=match):
        dataclasses.replace(evaluation, **changed)


def test_an_evaluation_is_a_table_of_pandas(evaluation):
    frame = evaluation.to_frame()
    assert list(frame) == [
        "query", "rank", "match", "similarity", "distance_m", "heading_difference_deg", "right",
        "just_outside",
    ]  # fmt: skip
    assert frame["query"].tolist() == ["a", "a", "b", "b", "c"]
    assert frame["rank"].tolist() == [1, 2, 1, 2, 1]
    assert frame["match"].tolist() == ["d", "<e>", "d", "<e>", "<e>"]
    assert frame["right"].tolist() == [True, False, False, True, False]


def test_a_table_of_the_first_answers_is_the_beginning_of_that_of_all(evaluation):
    every = evaluation.to_frame()
    first = every[every["rank"] == 1].reset_index(drop=True)
    assert 0 < len(first) < len(every)
    pd.testing.assert_frame_equal(evaluation.to_frame(1), first)


def test_an_evaluation_prints_as_one_line_and_as_a_small_table_in_notebooks(evaluation):
    assert repr(evaluation) == (
        "Evaluation(recall@1 50.0 %, recall@5 100.0 %, recall@10 100.0 %; 3 queries (1 without a "
        "right answer), 2 database photos, 4 dimensions)"
    )
    shown = evaluation._repr_html_()
    assert "recall@1 50.0 %" in shown
    assert "&lt;e&gt;" in shown and "<e>" not in shown
    assert len(shown) < 2000


@pytest.fixture
def day_and_night(make_dataset):
    """40 photos of places 100 m apart, and a dark photo of each, all of them bluer."""
    rng = np.random.default_rng(0)
    day = rng.integers(90, 160, (40, 3))
    night = np.clip(day // 2 + [0, 0, 120], 0, 255)
    colors = [tuple(map(int, color)) for color in np.concatenate([day, night])]
    sides = np.arange(80) >= 40
    return make_dataset(
        colors, [100 * (row % 40) for row in range(80)], is_query=sides, is_database=~sides
    )


@pytest.mark.parametrize("hubness", ["none", "csls", "csls_batch"])
@pytest.mark.parametrize("normalize", ["none", "map", "running", "own"])
def test_the_adapted_figure_stands_beside_the_plain_one(
    day_and_night, normalize, hubness, mean_color
):
    plain = evaluate(day_and_night, mean_color, normalize="none", image_size=SIZE)
    assert plain.adapted is None and "(" not in str(plain)
    both = evaluate(
        day_and_night, mean_color, normalize=normalize, hubness=hubness, image_size=SIZE
    )
    assert both.recall == plain.recall
    if (normalize, hubness) == ("none", "none"):
        return
    database, queries = (
        mean_color(np.stack([read_image(path, image_size=SIZE) for path in paths]))
        for paths in (day_and_night.paths()[:40], day_and_night.paths()[40:])
    )
    if normalize != "none":
        statistics = fit_map_statistics(database)
        database, queries = statistics.adapt(database), Normalizer(statistics, normalize)(queries)
    find = functools.partial(nearest, database)
    rows, _ = without_hubs(hubness, *find(queries, 40), queries, find, database.__getitem__)
    np.testing.assert_array_equal(both.adapted.neighbors, rows)
    first = str(both).splitlines()[0]
    assert f"{100 * both.recall[1]:.1f} %" in first
    assert f"{100 * both.adapted.recall[1]:.1f} %)" in first
    summary = both.summary()
    assert (summary["normalize"], summary["hubness"]) == (normalize, hubness)
    assert summary["adapted_recall"]["1"] == both.adapted.recall[1]


def test_a_database_of_30_photos_is_adapted_to_and_a_smaller_one_is_not(day_and_night, mean_color):
    assert evaluate(day_and_night, mean_color, image_size=SIZE).adaptation == ("map", "none")
    small = day_and_night.take(np.r_[0:10, 40:50])
    assert evaluate(small, mean_color, image_size=SIZE).adapted is None
    asked = evaluate(small, mean_color, normalize="map", image_size=SIZE)
    assert asked.adapted is not None


def test_some_queries_keep_both_figures(day_and_night, mean_color):
    both = evaluate(day_and_night, mean_color, normalize="own", image_size=SIZE)
    kept = np.arange(40) < 7
    assert len(both.of_queries(kept).adapted.neighbors) == 7


def test_photos_that_are_query_and_database_are_adapted_as_what_they_are_used_for(
    make_dataset, mean_color
):
    colors = [tuple(map(int, row)) for row in np.random.default_rng(0).integers(0, 255, (12, 3))]
    dataset = make_dataset(colors, [10 * (row // 2) for row in range(12)], times_s=np.arange(12.0))
    both = evaluate(
        dataset, mean_color, radius_m=1, normalize="own", hubness="csls", image_size=SIZE
    )
    itself = both.adapted.neighbors == np.arange(12)[:, None]
    assert not itself.any()


@pytest.fixture
def look_alikes(tmp_path):
    """Three places, each with two photos of one texture; a query's tint is that of another."""
    names, tints = [], {"db": (0, 10, 20), "q": (10, 20, 0)}
    for role, reds in tints.items():
        for place, red in enumerate(reds):
            pixels = np.random.default_rng(place).integers(60, 180, (32, 48, 3), np.uint8)
            pixels[..., 2] += np.uint8(red)
            names.append(f"{role}{place}.png")
            cv2.imwrite(str(tmp_path / names[-1]), pixels)
    positions_m = [[100.0 * place, 0] for place in (0, 1, 2, 0, 1, 2)]
    return PlaceDataset(tmp_path, names, positions_m=positions_m, is_query=np.arange(6) >= 3)


def cells_and_mean(photos):
    cells = photos.astype(np.float32).reshape(len(photos), 4, 8, 6, 8, 3)
    cells = cells.transpose(0, 1, 3, 2, 4, 5).reshape(len(photos), 4, 6, -1)
    cells = cells - cells.mean(axis=-1, keepdims=True) + 1e-3
    means = photos.astype(np.float32).mean(axis=(1, 2)) + 1e-3
    return (
        means / np.linalg.norm(means, axis=1, keepdims=True),
        cells / np.linalg.norm(cells, axis=-1, keepdims=True),
    )


def test_reranked_recall_stands_beside_that_of_one_vector(look_alikes):
    engine = Engine("made", "float32", SIZE, 3, 2, 1, 3, "m", None, None, cells_and_mean)
    found = evaluate(look_alikes, engine, rerank="features")
    assert (found.recall[1], found.reranked.recall[1], found.rerank) == (0.0, 1.0, "features")
    assert "recall@1     0.0 %  (re-ranked, features: 100.0 %)" in str(found)
    assert found.summary()["reranked_recall"]["1"] == 1.0
    assert [len(points) > 4 for points in found.reranked.points] == [True] * 3
    part = found.of_queries(np.array([False, True, False]))
    assert len(part.reranked.relevant) == 1 and part.rerank == "features"
    assert part.reranked.points == [found.reranked.points[1]]


def test_only_the_first_answers_are_compared(look_alikes):
    engine = Engine("made", "float32", SIZE, 3, 2, 1, 3, "m", None, None, cells_and_mean)
    found = evaluate(look_alikes, engine, rerank="features", rerank_top=1)
    np.testing.assert_array_equal(found.neighbors, found.reranked.neighbors)


def test_sift_needs_no_features_of_the_model(look_alikes):
    found = evaluate(
        look_alikes, lambda photos: cells_and_mean(photos)[0], rerank="sift", image_size=SIZE
    )
    assert found.reranked is not None and found.rerank == "sift"


def test_refuses_features_of_a_model_without(look_alikes):
    with pytest.raises(ValueError, match="needs the file of a model, or an Engine"):
        evaluate(look_alikes, lambda photos: photos[:, 0, 0], rerank="features")


def test_refuses_a_number_of_answers_that_has_no_effect(look_alikes):
    with pytest.raises(ValueError, match="`rerank_top` has no effect without `rerank`"):
        evaluate(look_alikes, lambda photos: photos[:, 0, 0], rerank_top=3)


def test_recall_of_runs_stands_beside_that_of_single_photos(make_dataset, mean_color):
    drawn = np.random.default_rng(3).integers(0, 3, 20).tolist() * 2  # colors that places share
    photos = make_dataset(
        [(RED, GREEN, BLUE)[each] for each in drawn], [100 * (row % 20) for row in range(40)],
        is_query=np.arange(40) >= 20, is_database=np.arange(40) < 20,
    )  # fmt: skip
    found = evaluate(photos, mean_color, sequence=8, image_size=SIZE)
    last = found.of_queries(np.arange(20) >= 7)
    assert last.recall[1] < 0.5 and last.in_sequence.recall[1] == 1.0
    assert "(8 photos together: " in str(found) and found.summary()["sequence"] == 8
    assert evaluate(photos, mean_color, image_size=SIZE).in_sequence is None


def test_what_may_not_answer_is_in_no_run(make_dataset, mean_color):
    photos = make_dataset([RED, GREEN, BLUE, (250, 9, 0)], [0, 9, 99, 1], times_s=[0.0, 1, 2, 3])
    found = evaluate(
        photos, mean_color, radius_m=5, min_time_difference_s=2.5, sequence=2, image_size=SIZE
    )
    assert found.in_sequence.neighbors[[0, 3], 0].tolist() == [3, 0]
    assert (found.in_sequence.neighbors[[1, 2]] == -1).all()


def test_refuses_runs_of_no_photo(make_dataset, mean_color):
    with pytest.raises(ValueError, match="`sequence` must be at least 1"):
        evaluate(make_dataset([RED, RED], [0, 1]), mean_color, sequence=0)
