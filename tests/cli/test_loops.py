import csv
import json

import cv2
import numpy as np
import pytest

from placevec.cli import main


@pytest.fixture
def two_laps(tmp_path):
    """Two laps past 15 colors."""
    colors = np.random.default_rng(0).integers(0, 256, (15, 3))
    for number in range(30):
        photo = np.full((32, 48, 3), colors[number % 15], np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), photo)
    return tmp_path


def test_loops_prints_how_many_and_writes_them(two_laps, model_path, tmp_path, capsys):
    main(["loops", str(two_laps), "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--exclusion-frames", "2", "--threshold", "-1",
          "--out", str(tmp_path / "out")])  # fmt: skip
    assert capsys.readouterr().out.endswith(" 2 or more apart; threshold -1, as given\n")
    assert (tmp_path / "out" / "loops.csv").is_file()


def test_loops_counts_the_cells_that_match(two_laps, model_path, tmp_path):
    main(["loops", str(two_laps), "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--exclusion-frames", "2", "--threshold", "-1", "--rerank",
          "features", "--min-inliers", "0", "--out", str(tmp_path / "out")])  # fmt: skip
    with (tmp_path / "out" / "loops.csv").open(newline="") as file:
        assert all(int(row["inliers"]) >= 0 for row in csv.DictReader(file))


def test_calibrate_writes_a_threshold(places, model_path, tmp_path, capsys):
    out = tmp_path / "threshold.json"
    main(["calibrate", f"folder:{places}", "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--precision", "0.5", "--out", str(out)])  # fmt: skip
    assert "With 95 % confidence at least 50 %" in capsys.readouterr().out
    assert json.loads(out.read_text())["num_accepted"] == 6


def test_calibrate_says_what_the_photos_do_not_carry(places, model_path, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["calibrate", f"folder:{places}", "--model", str(model_path), "--image-size", "32",
              "48", "--engine", "keras", "--out", str(tmp_path / "t.json")])  # fmt: skip
    assert "needs 59 right matches without an error" in capsys.readouterr().err
