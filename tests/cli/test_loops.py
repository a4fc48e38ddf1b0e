import csv
import json

import cv2
import numpy as np
import pytest

from placevec.cli import main


@pytest.fixture
def two_laps(tmp_path):
    """Two laps past 15 colors."""
    folder = tmp_path / "photos"
    folder.mkdir()
    colors = np.random.default_rng(0).integers(0, 256, (15, 3))
    for number in range(30):
        photo = np.full((32, 48, 3), colors[number % 15], np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), photo)
    return folder


def test_loops_prints_how_many_and_writes_them(two_laps, model_path, tmp_path, capsys):
    main(["loops", str(two_laps), "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--exclusion-frames", "2", "--threshold", "0",
          "--out", str(tmp_path / "out")])  # fmt: skip
    assert capsys.readouterr().out.endswith(" at least 2 apart; threshold 0, as given\n")
    assert (tmp_path / "out" / "loops.csv").is_file()


def test_loops_counts_the_cells_that_match(two_laps, model_path, tmp_path):
    main(["loops", str(two_laps), "--model", str(model_path), "--image-size", "32", "48",
          "--engine", "keras", "--exclusion-frames", "2", "--threshold", "0", "--rerank",
          "features", "--min-inliers", "0", "--out", str(tmp_path / "out")])  # fmt: skip
    with (tmp_path / "out" / "loops.csv").open(newline="") as file:
        assert all(int(row["inliers"]) >= 0 for row in csv.DictReader(file))


@pytest.fixture
def calibrate(two_laps, model_path, tmp_path):
    """Calibrates on the two laps, a photo every 10 m on a line there and back again."""
    rows = [f"{number}.png,{10 * (number % 15)},0\n" for number in range(30)]
    (two_laps / "images.csv").write_text("file,east,north\n" + "".join(rows))
    out = tmp_path / "threshold.json"

    def run(*flags):
        main(["calibrate", f"table:{two_laps}", "--model", str(model_path), "--image-size", "32",
              "48", "--engine", "keras", "--exclusion-frames", "2", "--sequence", "1", "--out",
              str(out), *flags])  # fmt: skip
        return out

    return run


def test_calibrate_writes_a_threshold(calibrate, capsys):
    """Within 1 km every match is right."""
    out = calibrate("--precision", "0.5", "--radius-m", "1000")
    assert "at least 50 % of the accepted matches are right" in capsys.readouterr().out
    (learned,) = json.loads(out.read_text())["calibrations"]
    assert learned["num_right"] == learned["num_matches"] > 5
    assert learned["score"]["sequence"] == 1 and learned["thresholds"][0]["precision"] == 0.5


def test_calibrate_says_what_the_photos_do_not_carry(calibrate, capsys):
    with pytest.raises(SystemExit):
        calibrate("--precision", "0.99")
    assert "needs 299 right matches without an error" in capsys.readouterr().err
