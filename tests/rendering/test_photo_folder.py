from pathlib import Path

import cv2
import numpy as np
import pytest

from placevec.rendering.cameras import Camera
from placevec.rendering.photo_folder import (
    Shot,
    begin,
    finish,
    is_finished,
    missing_shots,
    read_world_file,
    write_photo,
    write_tables,
)
from placevec.rendering.renderer import Pose
from placevec.rendering.weather import plan_visit
from placevec.sources import open_places

DAY, FOG = plan_visit("day", (1, 0), 0), plan_visit("fog", (1, 1), 11)


def shot(name, visit=DAY, role="database", east_m=1.0):
    camera = Camera(Pose((east_m, 2.0, 1.7), 30.0, 1.0, 2.0), east_m, 2.0, 30.0)
    return Shot("", visit, camera, 4, role, (1, 2), Path(), name)


def draw(folder, shots):
    for each in missing_shots(folder, shots):
        write_photo(np.full((32, 32, 3), 128, np.uint8), each, folder, 90)


def test_a_folder_is_begun_gone_on_with_and_finished(tmp_path):
    out, shots = tmp_path / "out", [shot("0_day/a.jpg"), shot("1_fog/b.jpg", FOG, "query", 9.0)]
    assert not is_finished(out, {"seed": 1})
    partial = begin(out, {"seed": 1})
    draw(partial, shots[:1])
    assert begin(out, {"seed": 1}) == partial
    assert missing_shots(partial, shots) == shots[1:]
    draw(partial, shots)
    write_tables(partial, shots, 75.0)
    finish(partial, out, {"settings": {"seed": 1}}, shots)
    assert is_finished(out, {"seed": 1}) and not partial.exists()
    assert read_world_file(out)["num_photos"] == {"0_day": 1, "1_fog": 1}
    dataset = open_places(f"folder:{out}")
    assert dataset.positions_m.tolist() == [[1, 2], [9, 2]]
    assert dataset.headings_deg.tolist() == [30, 30] and dataset.altitudes_m.tolist() == [1.7, 1.7]
    assert dataset.queries.tolist() == [1] and dataset.place_ids[0] == dataset.place_ids[1]
    assert cv2.imread(str(dataset.path(0))).shape == (32, 32, 3)


def test_refuses_a_folder_of_anything_else(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="must be empty, or a finished rendering"):
        is_finished(tmp_path, {})
    begin(tmp_path / "out", {"seed": 1})
    with pytest.raises(ValueError, match="seed=2, where it has seed=1"):
        begin(tmp_path / "out", {"seed": 2})
    (tmp_path / "two.partial").mkdir()
    (tmp_path / "two.partial" / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="must be empty or an interrupted rendering"):
        begin(tmp_path / "two", {})


def test_refuses_a_finished_folder_that_lost_photos(tmp_path):
    out, shots = tmp_path / "out", [shot("0_day/a.jpg")]
    partial = begin(out, {})
    draw(partial, shots)
    finish(partial, out, {"settings": {}}, shots)
    (out / "0_day" / "a.jpg").unlink()
    with pytest.raises(ValueError, match="must hold the 1 photos that were rendered. Received: 0"):
        is_finished(out, {})
