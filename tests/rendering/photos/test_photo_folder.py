from pathlib import Path

import cv2
import numpy as np
import pytest

from placevec.rendering.photos.photo_folder import (
    begin,
    finish,
    held,
    is_finished,
    missing_shots,
    read_world_file,
    write_photo,
)
from placevec.rendering.photos.tables import write_positions
from placevec.rendering.scenes.camera import Camera, Pose
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import plan_visit
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
    wanted = {"settings": {"seed": 1}}
    assert not is_finished(out, wanted)
    partial = begin(out, wanted)
    draw(partial, shots[:1])
    assert begin(out, wanted) == partial
    assert missing_shots(partial, shots) == shots[1:]
    draw(partial, shots)
    write_positions(partial, shots, 75.0)
    finish(partial, out, wanted, shots)
    assert is_finished(out, wanted) and not partial.exists()
    assert read_world_file(out)["num_photos"] == {"0_day": 1, "1_fog": 1}
    dataset = open_places(f"folder:{out}")
    assert dataset.positions_m.tolist() == [[1, 2], [9, 2]]
    assert dataset.headings_deg.tolist() == [30, 30] and dataset.altitudes_m.tolist() == [1.7, 1.7]
    assert dataset.queries.tolist() == [1] and dataset.place_ids[0] == dataset.place_ids[1]
    assert cv2.imread(str(dataset.path(0))).shape == (32, 32, 3)


def test_two_processes_never_draw_into_one_folder(tmp_path):
    out, wanted = tmp_path / "out", {"settings": {}}
    with held(out):
        with pytest.raises(BlockingIOError, match="Another process writes to .*out.partial"):
            with held(out):
                pass
        partial = begin(out, wanted)
        draw(partial, [shot("a.jpg")])
        finish(partial, out, wanted, [shot("a.jpg")])
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "world.json"]
    with held(out):  # came too late: nothing is left to draw
        assert is_finished(out, wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_draws_into_no_folder_that_is_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out.partial").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="out.partial must be a folder. Received: a link"):
        with held(tmp_path / "out"):
            pass
    assert not list((tmp_path / "elsewhere").iterdir())


def test_says_that_a_file_is_where_the_folder_should_be(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(NotADirectoryError, match="taken must be a folder. Received: a file"):
        with held(tmp_path / "taken" / "town"):
            pass


def test_refuses_a_folder_of_anything_else(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="must be empty, or a finished rendering"):
        is_finished(tmp_path, {"settings": {}})
    begin(tmp_path / "out", {"settings": {"seed": 1}})
    with pytest.raises(ValueError, match="same settings.*seed=2; the folder has seed=1"):
        begin(tmp_path / "out", {"settings": {"seed": 2}})
    (tmp_path / "two.partial").mkdir()
    (tmp_path / "two.partial" / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="must be empty or an interrupted rendering"):
        begin(tmp_path / "two", {"settings": {}})


def test_refuses_a_finished_folder_that_lost_photos(tmp_path):
    out, shots = tmp_path / "out", [shot("0_day/a.jpg")]
    wanted = {"settings": {}}
    partial = begin(out, wanted)
    draw(partial, shots)
    finish(partial, out, wanted, shots)
    (out / "0_day" / "a.jpg").unlink()
    with pytest.raises(ValueError, match="must hold the 1 photo that was rendered. Received: 0"):
        is_finished(out, wanted)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sha256", "model"),
        ("trajectory_sha256", "trajectory"),
        ("pipe", "pipe"),
        ("panda3d", "version of Panda3D"),
    ],
)
def test_refuses_what_was_drawn_from_something_else(tmp_path, name, what):
    wanted = {"settings": {"pipe": "auto"}, name: "a"}
    begin(tmp_path / "out", wanted)
    with pytest.raises(
        ValueError, match=f"same {what}. Received: {name}=b; the folder has {name}=a"
    ):
        begin(tmp_path / "out", wanted | {name: "b"})


def test_a_folder_of_before_a_setting_came_has_its_default(tmp_path):
    begin(tmp_path / "out", {"settings": {"seed": 1}})
    begin(tmp_path / "out", {"settings": {"seed": 1, "num_test_streets": 0}})
    with pytest.raises(ValueError, match="num_test_streets=2; the folder has num_test_streets=0"):
        begin(tmp_path / "out", {"settings": {"seed": 1, "num_test_streets": 2}})
