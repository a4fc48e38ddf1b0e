import os
import shutil

import cv2
import numpy as np
import pytest

from placevec.evaluation import evaluate
from placevec.evaluation.cautions import warn_of_training_photos
from placevec.places import PlaceDataset

SIZE = (32, 48)
COLORS = [(200, 20 * n, 255 - 20 * n) for n in range(12)]


def answers(model, root, names, **fields):
    dataset = PlaceDataset(root, names, **fields)
    return evaluate(dataset, model, radius_m=5.0, image_size=SIZE)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("link", "is the file photo00.png"),
        ("copy", "is a copy of photo00.png"),
        ("bmp", "has the pixels of photo00.png"),
    ],
)
def test_queries_that_are_in_the_database_are_told(
    write_photos, tmp_path, mean_color, caplog, how, message
):
    paths = write_photos(COLORS[:3])
    for n, path in enumerate(paths):
        query = tmp_path / f"q{n}.{'bmp' if how == 'bmp' else 'png'}"
        if how == "link":
            os.link(path, query)
        elif how == "copy":
            shutil.copy(path, query)
        else:
            cv2.imwrite(str(query), cv2.imread(str(path)))
    names = [path.name for path in paths] + sorted(path.name for path in tmp_path.glob("q*"))
    fields = {
        "positions_m": [[n % 3 * 100, 0] for n in range(6)],
        "is_query": np.arange(6) > 2,
        "is_database": np.arange(6) < 3,
    }
    answers(mean_color, tmp_path, names, **fields)
    assert "3 of 3 queries are also in the database (first: q0" in caplog.text
    assert message in caplog.text and "recall is too high" in caplog.text


def test_nothing_is_told_of_photos_that_differ(write_photos, tmp_path, mean_color, caplog):
    names = [path.name for path in write_photos(COLORS[:6])]
    answers(mean_color, tmp_path, names, positions_m=[[n % 3 * 100, 0] for n in range(6)],
            is_query=np.arange(6) > 2, is_database=np.arange(6) < 3)  # fmt: skip
    assert not caplog.text


def test_copies_that_may_not_answer_do_no_harm(write_photos, tmp_path, mean_color, caplog):
    names = [path.name for path in write_photos([COLORS[0], COLORS[0], COLORS[1], COLORS[2]])]
    answers(mean_color, tmp_path, names, positions_m=np.zeros((4, 2)), times_s=[0, 0, 9, 9])
    assert "also in the database" not in caplog.text


@pytest.mark.parametrize("known", ["times_s", "sequence_ids", "frames", "nothing"])
def test_answers_of_the_own_run_are_told(write_photos, tmp_path, mean_color, caplog, known):
    names = [path.name for path in write_photos(COLORS)]
    fields = {"times_s": {"times_s": np.arange(12.0)}, "sequence_ids": {"sequence_ids": [4] * 12},
              "frames": {"frame": "frames"}}.get(known, {})  # fmt: skip
    answers(mean_color, tmp_path, names, positions_m=[[n * 4, 0] for n in range(12)], **fields)
    assert "12 of 12 right first answers are photos just before or after the query" in caplog.text
    assert "--min-time-difference-s" in caplog.text


def test_answers_of_another_run_are_not_told(write_photos, tmp_path, mean_color, caplog):
    names = [path.name for path in write_photos([*COLORS, *[(r, g, b + 2) for r, g, b in COLORS]])]
    positions_m = [[n % 12 * 4, 0] for n in range(24)]
    answers(mean_color, tmp_path, names, positions_m=positions_m, sequence_ids=np.arange(24) // 12)
    assert "own run" not in caplog.text


def test_validation_that_is_trained_on_is_told(write_photos, tmp_path, caplog):
    paths = write_photos(COLORS[:4])
    names = [path.name for path in paths]
    (tmp_path / "val").mkdir()
    shutil.copy(paths[0], tmp_path / "val" / "other.png")
    cv2.imwrite(str(tmp_path / "val" / "photo01.bmp"), cv2.imread(str(paths[1])))
    cv2.imwrite(str(tmp_path / "val" / "new.bmp"), cv2.imread(str(paths[2])))
    training = PlaceDataset(tmp_path, names, positions_m=[[n * 10, 0] for n in range(4)])
    held_out = PlaceDataset(tmp_path / "val", ["new.bmp", "other.png", "photo01.bmp"],
                            positions_m=[[20, 0], [70, 0], [80, 0]])  # fmt: skip
    warn_of_training_photos(training, held_out, "validation")
    assert "3 of 3 validation photos are also trained on (first: " in caplog.text
    assert "Give other photos as `validation`" in caplog.text
    caplog.clear()
    warn_of_training_photos(training.take(np.array([3])), held_out, "validation")
    assert not caplog.text
