import csv
from pathlib import Path

from placevec.rendering.photos.tables import write_positions, write_split
from placevec.rendering.scenes.camera import Camera, Pose, camera_of
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import plan_visit

DAY = plan_visit("day", (1, 0), 0)


def shot(camera, name="a.jpg"):
    return Shot("", DAY, camera, 4, "both", (1, 2), Path(), name)


def test_headings_are_written_as_finely_as_pitch_and_roll(tmp_path):
    camera = Camera(Pose((1.0, 2.0, 1.7), 30.1234, 1.2345, 2.3456), 1.0, 2.0, 30.1234)
    write_positions(tmp_path, [shot(camera)], 75.0)
    cells = dict(
        zip(*csv.reader((tmp_path / "positions.csv").read_text().splitlines()), strict=True)
    )
    angles = [cells[name] for name in ("heading_deg", "pitch_deg", "roll_deg")]
    assert [float(angle) for angle in angles] == [30.123, 1.234, 2.346]


def test_photos_that_cannot_be_split_are_one_part(tmp_path, caplog):
    shots = [shot(camera_of(Pose((x, 0.0, 1.7), 0.0)), f"{x:g}.jpg") for x in (0.0, 1.0)]
    assert write_split(tmp_path, shots, val_share=0.2, buffer_m=25.0, seed=0) == [""]
    assert "Set `--val-share 0` or a smaller `--buffer-m`" in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_parts_of_a_split_are_named_behind_the_folder(tmp_path):
    shots = [shot(camera_of(Pose((10.0 * x, 0.0, 1.7), 0.0)), f"{x}.jpg") for x in range(40)]
    parts = write_split(tmp_path, shots, val_share=0.2, buffer_m=10.0, seed=0)
    assert parts == ["#train", "#val"] and (tmp_path / "splits.csv").is_file()
