"""`render` of a 3-D model: a small yard with four painted walls."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from placevec.config import ModelRenderConfig, TownRenderConfig, TupleConfig
from placevec.places import TupleSampler
from placevec.rendering import render
from placevec.sources import open_places

SMALL = {
    "image_size": (48, 64),
    "num_photos": 48,
    "views_per_place": 2,
    "visits": ("day", "fog"),
    "spacing_m": 6.0,
    "buffer_m": 10.0,
    "seed": 3,
    "pipe": "software",
}


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    """A yard of 80 m by 80 m, z up, with walls that look different on each side."""
    folder = tmp_path_factory.mktemp("yard")
    rng = np.random.default_rng(0)
    for name in ("ground", "wall0", "wall1", "wall2", "wall3"):
        noise = rng.integers(0, 256, (8, 8, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(noise, (64, 64)))
    (folder / "yard.mtl").write_text(
        "".join(
            f"newmtl {name}\nKd 1 1 1\nmap_Kd {name}.png\n"
            for name in ("ground", "wall0", "wall1", "wall2", "wall3", "absent")
        )
    )
    low = [(-40, -40, 0), (40, -40, 0), (40, 40, 0), (-40, 40, 0)]
    high = [(x, y, 12) for x, y, _ in low]
    lines = ["mtllib yard.mtl", *(f"v {x} {y} {z}" for x, y, z in low + high)]
    lines += ["vt 0 0", "vt 4 0", "vt 4 4", "vt 0 4"]
    lines += ["usemtl ground", "f 1/1 2/2 3/3 4/4"]
    for i in range(4):
        a, b = i + 1, (i + 1) % 4 + 1
        lines += [f"usemtl wall{i}", f"f {b}/1 {a}/2 {a + 4}/3 {b + 4}/4"]
    (folder / "yard.obj").write_text("\n".join(lines))
    return folder / "yard.obj"


@pytest.fixture(scope="module")
def rendered(yard, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("out") / "yard"
    return render(yard, ModelRenderConfig(out=out_dir, **SMALL))


def test_a_model_becomes_photos_with_poses(rendered):
    dataset = open_places(f"folder:{rendered.out_dir}")
    assert len(dataset) == rendered.num_photos == rendered.num_drawn >= 48
    assert len(dataset.queries) == len(dataset.database) == len(dataset) // 2
    assert np.abs(dataset.positions_m).max() < 40
    np.testing.assert_allclose(dataset.altitudes_m, 1.7, atol=0.5)
    assert dataset.fields_of_view_deg.tolist() == [75.0] * len(dataset)
    assert len(np.unique(dataset.times_s)) == len(np.unique(dataset.sequence_ids)) == 2
    assert len(np.unique(dataset.place_ids)) == len(dataset) // 4
    for path in dataset.paths():
        photo = cv2.imread(str(path))
        assert photo.shape == (48, 64, 3) and photo.std() > 5


def test_photos_of_one_place_and_view_show_the_same_points(rendered):
    dataset = open_places(f"folder:{rendered.out_dir}")
    by_name = {str(name): i for i, name in enumerate(dataset.names)}
    seen = dataset.points_seen
    assert (np.diff(seen.indptr) > 10).all()
    names = [name for name in by_name if name.startswith("0_day/")]
    same, others = [], []
    for name in names:
        twin = by_name[name.replace("0_day", "1_fog")]
        for other in names:
            other = by_name[other.replace("0_day", "1_fog")]
            both = seen[[by_name[name]]].multiply(seen[[other]]).sum()
            share = both / min(seen[[by_name[name]]].sum(), seen[[other]].sum())
            (same if other == twin else others).append(share)
    assert np.mean(same) > 2 * np.mean(others)


def test_the_split_is_there_and_trains(rendered, yard, tmp_path, caplog):
    train, val = (open_places(f"folder:{rendered.out_dir}#{part}") for part in ("train", "val"))
    gaps_m = np.linalg.norm(train.positions_m[:, None] - val.positions_m[None], axis=-1)
    assert gaps_m.min() >= 10.0
    sampler = TupleSampler(
        train,
        **vars(
            TupleConfig(
                num_positives=1, num_negatives=1, positive_radius_m=5.0, negative_radius_m=12.0
            )
        ),
    )
    assert len(sampler.queries)
    caplog.set_level("INFO", "placevec")
    render(yard, ModelRenderConfig(out=tmp_path / "again", **SMALL))
    neither = rendered.num_photos - len(train) - len(val)
    assert neither > 0
    assert (
        f"{len(train)} photos to train on, {len(val)} to validate with, {neither} in neither"
        in caplog.text
    )


def test_says_what_was_rendered_and_how_to_train(rendered):
    world = json.loads((rendered.out_dir / "world.json").read_text())
    assert world["pipe"] == "software" and world["settings"]["seed"] == 3
    assert world["num_triangles"] == 10 and len(world["sha256"]) == 64
    assert sum(world["num_photos"].values()) == rendered.num_photos
    text = str(rendered)
    assert "photos of yard" in text
    assert f"placevec train folder:{rendered.out_dir}#train" in text
    assert f"--image-size 48 64 --out runs/{rendered.out_dir.name}\n" in text
    assert f"contact sheet: {rendered.out_dir / 'contact_sheet.svg'}" in text


def test_equal_settings_give_equal_bytes(rendered, yard, tmp_path):
    again = render(yard, ModelRenderConfig(out=tmp_path / "again", **SMALL)).out_dir

    def content(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    assert content(again) == content(rendered.out_dir)


def test_a_missing_texture_is_told_once_and_survived(yard, tmp_path, caplog):
    folder = tmp_path / "broken"
    folder.mkdir()
    text = yard.read_text().replace("usemtl wall2", "usemtl absent")
    (folder / "yard.obj").write_text(text)
    for path in yard.parent.glob("*.[pm][nt]*"):
        (folder / path.name).write_bytes(path.read_bytes())
    settings = ModelRenderConfig(
        out=tmp_path / "out", **{**SMALL, "num_photos": 4, "val_share": 0.0}
    )
    text = str(render(folder / "yard.obj", settings))
    assert "problems of the model: 1, listed in world.json" in text
    told = caplog.text + text + (tmp_path / "out" / "world.json").read_text()
    assert told.count("There is no texture 'absent.png'") == 2  # in the log, and in world.json


def copy_of(yard, folder):
    folder.mkdir()
    for path in yard.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder / yard.name


def test_another_model_of_the_same_file_name_is_not_taken_for_it(rendered, yard, tmp_path):
    other = copy_of(yard, tmp_path / "other")
    settings = ModelRenderConfig(out=rendered.out_dir, **SMALL)
    assert render(other, settings).num_drawn == 0  # the same model at another place
    renamed = other.rename(other.with_name("renamed.obj"))
    assert render(renamed, settings).num_drawn == 0
    other = renamed.rename(other)
    cv2.imwrite(str(other.with_name("wall2.png")), np.full((64, 64, 3), 99, np.uint8))
    with pytest.raises(ValueError, match=r"rendering of the same model. Received: sha256="):
        render(other, settings)


def test_what_cannot_be_drawn_is_refused_before_anything_is_written(yard, tmp_path, monkeypatch):
    settings = ModelRenderConfig(out=tmp_path / "out", **SMALL)
    with monkeypatch.context() as patch:
        patch.setattr("placevec.rendering.drawing.depth._MOST_TRIANGLES", 9)
        with pytest.raises(ValueError, match="Received: 10. Load fewer tiles.*--no-points"):
            render(yard, settings)
    with monkeypatch.context() as patch:
        patch.setattr("placevec.rendering.drawing.pipes._make_pipe", lambda pipe: None)
        with pytest.raises(OSError, match="pipe 'software' .* must open a buffer"):
            render(yard, settings)
    assert list(tmp_path.iterdir()) == []


def interrupted(photos, **_):
    for number, photo in enumerate(photos):
        if number == 2:
            raise KeyboardInterrupt
        yield photo


def test_an_interrupted_rendering_goes_on_only_as_it_was_begun(yard, tmp_path, monkeypatch):
    yard = copy_of(yard, tmp_path / "model")
    settings = ModelRenderConfig(
        out=tmp_path / "out", **SMALL | {"num_photos": 4, "val_share": 0.0}
    )
    with pytest.raises(KeyboardInterrupt):
        render(yard, settings, progress=interrupted)
    with monkeypatch.context() as patch:
        patch.setattr("panda3d.__version__", "0.0")
        with pytest.raises(ValueError, match=r"same version of Panda3D. Received: panda3d=0\.0"):
            render(yard, settings)
    whole = yard.read_text()
    yard.write_text(whole.replace("v 40 40 12", "v 40 40 13"))
    with pytest.raises(ValueError, match=r"out\.partial must hold a rendering of the same model"):
        render(yard, settings)
    yard.write_text(whole)
    rest = render(yard, settings)
    assert 0 < rest.num_drawn < rest.num_photos


def test_a_changed_trajectory_is_not_taken_for_the_same(yard, tmp_path):
    poses = tmp_path / "poses.csv"
    poses.write_text("file,east,north\na,0,0\nb,5,5\n")
    changes = {"visits": ("day",), "val_share": 0.0, "points": False, "pipe": "software"}
    out_dir, trajectory = tmp_path / "out", f"table:{poses}"
    settings = ModelRenderConfig(out=out_dir, image_size=(32, 48), trajectory=trajectory, **changes)
    assert render(yard, settings).num_drawn == 2
    assert render(yard, settings).num_drawn == 0
    poses.write_text("file,east,north\na,0,0\nb,5,6\n")
    with pytest.raises(ValueError, match=r"same trajectory. Received: trajectory_sha256="):
        render(yard, settings)


def test_the_origin_of_a_model_far_out_is_kept(yard, tmp_path):
    yard = copy_of(yard, tmp_path / "model")
    moved = re.sub(r"(?m)^v (-?\d+)", lambda v: f"v {70_000 + int(v[1])}", yard.read_text())
    yard.write_text(moved)
    settings = SMALL | {"num_photos": 4, "val_share": 0.0, "visits": ("day",), "points": False}
    out_dir = render(yard, ModelRenderConfig(out=tmp_path / "out", **settings)).out_dir
    assert json.loads((out_dir / "world.json").read_text())["origin_m"] == [70_000, 0, 0]


def test_changed_textures_change_photos_and_not_what_they_show(rendered, yard, tmp_path):
    settings = ModelRenderConfig(out=tmp_path / "other", **SMALL, randomize_textures=True)
    other = open_places(f"folder:{render(yard, settings).out_dir}")
    first = open_places(f"folder:{rendered.out_dir}")
    np.testing.assert_array_equal(first.positions_m, other.positions_m)
    assert (first.points_seen != other.points_seen).nnz == 0
    photos = [cv2.imread(str(each.path(0))).astype(int) for each in (first, other)]
    assert np.abs(photos[0] - photos[1]).mean() > 5


@pytest.mark.parametrize(
    ("world", "settings", "match"),
    [
        ("town", ModelRenderConfig(), "of town must be a TownRenderConfig. Received: a ModelRend"),
        ("yard", TownRenderConfig(), "must be a ModelRenderConfig. Received: a TownRenderConfig"),
        (
            "yard",
            ModelRenderConfig(visits=("hail",)),
            "`visits` must be among .*fog.* Rec.* 'hail'",
        ),
    ],
)
def test_refuses_settings_of_the_other_kind(yard, tmp_path, world, settings, match):
    with pytest.raises(ValueError, match=match):
        render(yard if world == "yard" else world, replace(settings, out=tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_takes_a_folder_of_a_version_that_kept_the_settings_of_the_town_with_a_model(
    rendered, yard
):
    path = rendered.out_dir / "world.json"
    now = path.read_text()
    world = json.loads(now)
    world["settings"] |= {"num_streets": 6, "places_per_street": 30}
    path.write_text(json.dumps(world))
    settings = ModelRenderConfig(out=rendered.out_dir, **SMALL)
    assert render(yard, settings).num_drawn == 0
    world["settings"]["num_streets"] = 7
    path.write_text(json.dumps(world))
    with pytest.raises(ValueError, match="num_streets=6; the folder has num_streets=7"):
        render(yard, settings)
    path.write_text(now)


def test_refuses_a_model_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.obj"):
        render(tmp_path / "absent.obj", ModelRenderConfig(out=tmp_path / "out"))


def test_depth_is_written_beside_each_photo_and_agrees_with_what_photos_share(yard, tmp_path):
    settings = SMALL | {"num_photos": 8, "visits": ("day",), "val_share": 0, "jitter": 0.0}
    out_dir = render(yard, ModelRenderConfig(out=tmp_path / "y", depth=True, **settings)).out_dir
    places = open_places(f"folder:{out_dir}")
    assert len(places) == 8
    focal = 64 / 2 / np.tan(np.deg2rad(75 / 2))
    for row, path in enumerate(places.paths()):
        depth_m = np.load(path.with_suffix(".depth.npy"), allow_pickle=False)
        assert depth_m.shape == (48, 64) and depth_m.dtype == np.float16
        # The ground below the middle column, computed manually: eye height over the slope of the
        # ray.
        slope = (47 - 23.5) / focal
        assert depth_m[47, 32] == pytest.approx(1.7 / slope, rel=0.01)
        heading = np.deg2rad(places.headings_deg[row])
        ahead = np.array([np.sin(heading), np.cos(heading)])
        with np.errstate(divide="ignore"):
            to_wall_m = ((40 * np.sign(ahead) - places.positions_m[row]) / ahead).min()
        assert depth_m[23:25, 31:33].mean() == pytest.approx(to_wall_m, rel=0.05)
