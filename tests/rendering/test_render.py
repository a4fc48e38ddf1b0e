import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from placevec.config import TownRenderConfig
from placevec.progress import no_progress
from placevec.rendering import render
from placevec.rendering.scenes.weather import WEATHERS
from placevec.sources import parse_photo_name
from placevec.sources.tables.folder import read_folder

SMALL = {
    "seed": 3,
    "image_size": (32, 48),
    "num_streets": 1,
    "num_validation_streets": 2,
    "places_per_street": 4,
    "points": False,
}


def render_town(out_dir, progress=no_progress, **settings):
    return render("town", TownRenderConfig(out=out_dir, **settings), progress=progress).out_dir


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return render_town(tmp_path_factory.mktemp("render") / "town", **SMALL)


def files(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def test_writes_the_folder_format(rendered):
    counts = json.loads((rendered / "world.json").read_text())["num_photos"]
    assert counts == {
        "train/database": 3 * 4,
        "train/queries": 4 * 4,
        "val/database": 2 * 4,
        "val/queries": 2 * 2,
    }
    for folder, count in counts.items():
        assert len(list((rendered / folder).glob("*.jpg"))) == count
    assert len(files(rendered)) == sum(counts.values()) + 4
    assert not rendered.with_name("town.partial").exists()


def test_photos_have_the_size_asked_for_and_show_something(rendered):
    for name, path in files(rendered).items():
        if name.endswith(".jpg"):
            photo = cv2.imread(str(path))
            assert photo.shape == (32, 48, 3) and photo.std() > 5


def test_names_say_position_heading_time_and_weather(rendered):
    for name in files(rendered):
        if not name.endswith(".jpg"):
            continue
        photo = parse_photo_name(name)
        assert np.isfinite([photo.east_m, photo.north_m, photo.heading_deg, photo.time_s]).all()
        assert 0 <= photo.heading_deg < 360
        fields = name.split("@")
        assert len(fields) == 16
        assert fields[14] in WEATHERS


def test_the_reader_of_folders_takes_it(rendered):
    places = read_folder(rendered / "val")
    assert len(places.queries) == 4 and len(places.database) == 8
    # Each query was taken within the jitter of a database photo of the same heading.
    for query in places.queries:
        gaps = np.linalg.norm(
            places.positions_m[places.database] - places.positions_m[query], axis=1
        )
        nearest = places.database[gaps.argmin()]
        turn = places.headings_deg[nearest] - places.headings_deg[query]
        assert gaps.min() < 6 and abs((turn + 180) % 360 - 180) < 15
        assert abs(places.times_s[nearest] - places.times_s[query]) > 86400


def test_places_stand_10_m_apart(rendered):
    places = read_folder(rendered / "train")
    visit = places.positions_m[places.times_s == places.times_s[places.database[0]]]
    gaps = np.linalg.norm(visit[:, None] - visit[None], axis=-1) + 99 * np.eye(len(visit))
    assert len(visit) == 4 and 7 < gaps.min(axis=1).min() and gaps.min(axis=1).max() < 13


def test_training_and_validation_share_no_place(rendered):
    train, val = read_folder(rendered / "train"), read_folder(rendered / "val")
    gaps = np.linalg.norm(train.positions_m[:, None] - val.positions_m[None], axis=-1)
    assert gaps.min() > 100


def test_equal_settings_give_equal_bytes(rendered, tmp_path):
    again = files(render_town(tmp_path / "again", **SMALL))
    first = files(rendered)
    assert first.keys() == again.keys()
    assert all(first[name].read_bytes() == again[name].read_bytes() for name in first)


def test_another_seed_gives_another_town(rendered, tmp_path):
    other = files(render_town(tmp_path / "other", **SMALL | {"seed": 4}))
    assert not {name for name in files(rendered).keys() & other.keys() if name.endswith(".jpg")}


def test_leaves_a_finished_rendering_as_it_is(rendered, caplog):
    before = {name: path.stat().st_mtime_ns for name, path in files(rendered).items()}
    with caplog.at_level("INFO"):
        assert render_town(rendered, **SMALL) == rendered
    assert "already has this rendering" in caplog.text
    assert before == {name: path.stat().st_mtime_ns for name, path in files(rendered).items()}


def test_deletes_the_lock_that_a_process_killed_at_its_end_left(rendered):
    (rendered / "lock").touch()
    render_town(rendered, **SMALL)
    assert not (rendered / "lock").exists()


def test_goes_on_after_an_interruption(rendered, tmp_path):
    def interrupted(photos, **_):
        for number, photo in enumerate(photos):
            if number == 9:
                raise KeyboardInterrupt
            yield photo

    out_dir = tmp_path / "town"
    with pytest.raises(KeyboardInterrupt):
        render_town(out_dir, **SMALL, progress=interrupted)
    assert not out_dir.exists()
    drawn = files(tmp_path / "town.partial")
    assert 0 < len([name for name in drawn if name.endswith(".jpg")]) < 40
    left = []
    render_town(out_dir, **SMALL, progress=lambda photos, **_: left.extend(photos) or iter(photos))
    assert len(left) == 40 - len([name for name in drawn if name.endswith(".jpg")])
    first, second = files(rendered), files(out_dir)
    assert first.keys() == second.keys()
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in first)


KILLED = """
import os, sys
from pathlib import Path
from placevec.config import TownRenderConfig
from placevec.rendering import render
def killed(photos, **_):
    for number, photo in enumerate(photos):
        if number == 9:
            os.kill(os.getpid(), 9)
        yield photo
render("town", TownRenderConfig(
    out=Path(sys.argv[1]), seed=3, image_size=(32, 48), num_streets=1, num_validation_streets=2,
    places_per_street=4, points=False), progress=killed)
"""


def test_a_kill_leaves_no_half_photo_that_counts_as_whole(rendered, tmp_path):
    out_dir = tmp_path / "town"
    run = subprocess.run([sys.executable, "-c", KILLED, str(out_dir)], capture_output=True)
    assert run.returncode == -9 and not out_dir.exists()
    whole = files(rendered)
    for name, path in files(tmp_path / "town.partial").items():
        if name.endswith(".jpg"):
            assert path.read_bytes() == whole[name].read_bytes()
    second = files(render_town(out_dir, **SMALL))
    assert {n: p.read_bytes() for n, p in second.items()} == {
        n: p.read_bytes() for n, p in whole.items()
    }


def test_a_photo_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    def full_disk(*paths):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    (tmp_path / "town.partial").mkdir()
    with pytest.raises(OSError, match="No space left"):
        render_town(tmp_path / "town", **SMALL)
    assert list(files(tmp_path)) == ["town.partial/lock"]


def test_refuses_a_rendering_of_other_settings(rendered, tmp_path):
    with pytest.raises(
        ValueError, match=r"Received: seed=4; the folder has seed=3\. Choose another"
    ):
        render_town(rendered, **SMALL | {"seed": 4})
    with pytest.raises(StopIteration):
        render_town(tmp_path / "town", **SMALL, progress=lambda photos, **_: next(iter([])))
    with pytest.raises(ValueError, match=r"town\.partial must hold .* spacing_m=9\.0"):
        render_town(tmp_path / "town", **SMALL, spacing_m=9.0)


def test_refuses_a_folder_with_anything_else_in_it(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ValueError, match=r"must be empty, or a finished rendering"):
        render_town(tmp_path, **SMALL)
    assert (tmp_path / "mine.txt").read_text() == "keep me"
    with pytest.raises(ValueError, match=r"must be empty, or a finished rendering"):
        render_town(tmp_path / "mine.txt", **SMALL)
    partial = tmp_path / "town.partial"
    partial.mkdir()
    (partial / "mine.txt").write_text("keep me")
    with pytest.raises(ValueError, match=r"must be empty or an interrupted rendering"):
        render_town(tmp_path / "town", **SMALL)


def test_refuses_a_rendering_that_has_lost_photos(rendered, tmp_path):
    out_dir = shutil.copytree(rendered, tmp_path / "town")
    next(out_dir.glob("train/queries/*.jpg")).unlink()
    with pytest.raises(ValueError, match=r"queries must hold the 16 photos .* Received: 15\. Rem"):
        render_town(out_dir, **SMALL)


def test_takes_an_empty_folder(tmp_path):
    settings = SMALL | {"num_validation_streets": 1, "places_per_street": 1}
    assert (render_town(tmp_path, **settings) / "world.json").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("num_streets", 0),
        ("num_validation_streets", 0),
        ("places_per_street", 0),
        ("spacing_m", 0.0),
        ("jpeg_quality", 101),
        ("num_workers", 0),
        ("image_size", (0, 48)),
    ],
)
def test_refuses_settings_out_of_range(tmp_path, name, value):
    with pytest.raises(ValueError, match=rf"`{name}` must .* Received: {name}="):
        render_town(tmp_path / "town", **SMALL | {name: value})
    assert not list(tmp_path.iterdir())


def test_importing_opens_and_prints_nothing():
    code = "import sys, placevec.rendering; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
