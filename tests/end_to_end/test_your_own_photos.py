"""Runs the commands of docs/your_own_photos.md on small synthetic photos."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from placevec.cli import main
from placevec.store import load_descriptors

pytestmark = pytest.mark.usefixtures("quick_training")

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "your_own_photos.md"
# What makes a training one of seconds, without a download; flags that come later win.
SMALL = {
    "train": "--model.weights none --model.cut-layer Conv1_relu --model.num-clusters 4 "
    "--image-size 32 48 --epochs 1 --steps-per-epoch 2 --batch-size 2 --num-workers 1",
    "describe": "--image-size 32 48",
}
BY_KERAS = {"evaluate": "--engine keras"}  # no time for an export
LATITUDE, LONGITUDE = 48.2, 16.36
PLACES, VISITS = 40, 2


def look_of(place):
    rng = np.random.default_rng(place)
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48))


def phone_photo(path, place, visit):
    """Writes a photo with the EXIF of a phone: a place every 15 m to the north."""
    exif = Image.Exif()
    exif[0x0132] = f"2024:05:{1 + visit:02d} 10:{place:02d}:00"
    exif.get_ifd(0x8769)[0x9003] = exif[0x0132]
    north = LATITUDE + place * 15 / 111_200 + visit * 1e-6
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: degrees(north), 3: "E", 4: degrees(LONGITUDE), 16: "T", 17: 90.0})
    photo = np.clip(look_of(place) * (1 - 0.2 * visit), 0, 255).astype(np.uint8)
    Image.fromarray(photo).save(path, exif=exif)


def degrees(value):
    minutes = value % 1 * 60
    return float(int(value)), float(int(minutes)), minutes % 1 * 60


@pytest.fixture
def walk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk").mkdir()
    (tmp_path / "new").mkdir()
    for visit in range(VISITS):
        for place in range(PLACES):
            phone_photo(tmp_path / "walk" / f"{visit}_{place:02d}.jpg", place, visit)
    phone_photo(tmp_path / "new" / "someday.jpg", 7, 1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A camera that looks east and moves north, out and back two metres beside, 1.5 m a photo."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "rgb").mkdir(parents=True)
    photos, poses = ["# time file"], ["# time tx ty tz qx qy qz qw"]
    for step in range(2 * PLACES):
        place = min(step, 2 * PLACES - 1 - step)
        time_s = 1_700_000_000 + step * 0.5
        name = f"rgb/{time_s:.6f}.png"
        cv2.imwrite(str(tmp_path / "run" / name), look_of(place))
        photos.append(f"{time_s:.6f} {name}")
        # Camera axes in the world: x south, y down, z (where it looks) east.
        poses.append(f"{time_s:.6f} {0.1 * (step > place)} {1.5 * place} 0 0.5 -0.5 0.5 -0.5")
    (tmp_path / "run" / "rgb.txt").write_text("\n".join(photos))
    (tmp_path / "run" / "groundtruth.txt").write_text("\n".join(poses))


def commands(heading):
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", DOCUMENT.read_text(), re.M | re.S)
    text = section.group(1).replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^    (placevec .*)$", text, re.M)]


def carry_out(command, capsys, flags=SMALL):
    _, verb, *arguments = command
    try:
        main([verb, *arguments, *flags.get(verb, "").split()])
    except SystemExit as ended:
        assert verb == "check" and ended.code in (0, 1), f"{command}: {capsys.readouterr().err}"
    return capsys.readouterr().out


def test_a_walk_with_a_phone(walk, capsys):
    said = {command[1]: carry_out(command, capsys) for command in commands("A walk with a phone")}
    assert list(said) == ["check", "split", "train", "evaluate", "describe"]
    assert Path("check.html").is_file() and Path("walk/splits.csv").is_file()
    assert {"train", "val", "test"} <= set(re.findall(r"^(\w+): \d+ photos", said["split"], re.M))
    assert "after:  recall@1" in said["train"]
    assert re.search(r"recall@1 +\d+\.\d %", said["evaluate"])
    names, descriptors, _ = load_descriptors("known.npz")
    assert len(names) == VISITS * PLACES and Path("runs/walk/report.md").is_file()
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S).group(1)
    exec(code)  # noqa: S102
    assert capsys.readouterr().out == "someday.jpg was taken where 1_07.jpg was\n"


def test_a_heap_of_photos(walk, capsys):
    flags = {"group": "--model tiny --engine keras --image-size 96 128"}
    by_itself, as_given = (
        carry_out(command, capsys, flags) for command in commands("A heap of photos")
    )
    assert re.match(r"\d+ groups of \d+ of 80 photos; threshold .*, estimated", by_itself)
    assert re.match(r"\d+ groups of \d+ of 80 photos; threshold 0.1, as given", as_given)
    assert len(Path("groups/groups.csv").read_text().splitlines()) == 1 + VISITS * PLACES
    assert Path("groups/groups.html").is_file()


def test_a_run_of_a_slam_system(run, capsys):
    story = commands("A run of a SLAM system")
    assert [command[1] for command in story] == ["check", "split", "train", "evaluate"]
    said = {command[1]: carry_out(command, capsys, SMALL | BY_KERAS) for command in story}
    assert "after:  recall@1" in said["train"]
    assert re.search(r"recall@1 +\d+\.\d %", said["evaluate"])
