import re

import cv2
import keras
import numpy as np
import pytest

from placevec.cli import main
from placevec.config import ModelConfig
from placevec.models import build_descriptor_model, save_model
from placevec.sources import open_places


@pytest.fixture(scope="module")
def documents(pytestconfig):
    root = pytestconfig.rootpath
    return {path.relative_to(root).as_posix(): path.read_text() for path in
            [*root.glob("*.md"), *root.glob("docs/**/*.md")]}  # fmt: skip


def test_links_lead_somewhere(documents, pytestconfig):
    for name, text in documents.items():
        for target in re.findall(r"\]\(([^)#]+)", text):
            if not target.startswith("http"):
                path = (pytestconfig.rootpath / name).parent / target
                assert path.exists(), f"{name} links to {target}"


def test_the_tests_that_guard_against_faults_are_there(documents, pytestconfig):
    text = documents["docs/peers_faults.md"]
    named = re.findall(r"`(\S+\.py)`: `(test_\w+)`", text)
    assert len(named) >= 20
    for name, function in named:
        assert f"def {function}(" in (pytestconfig.rootpath / "tests" / name).read_text(), name


def test_no_document_waits_for_a_figure(documents):
    for name, text in documents.items():
        assert not re.search(r"@[A-Z]{2,}@", text), name


def test_the_tree_names_every_room(documents, pytestconfig):
    readme = documents["README.md"]
    rooms = [path.name for path in (pytestconfig.rootpath / "placevec").iterdir()
             if path.is_dir() and not path.name.startswith("__")]  # fmt: skip
    assert len(rooms) >= 9
    for room in rooms:
        assert re.search(rf"^ +{room}/ +\S", readme, re.MULTILINE), room


def test_the_page_of_the_architecture_names_every_room_of_a_room(documents, pytestconfig):
    named = set(re.findall(r"^ +([a-z_/]+)/  +\S", documents["docs/architecture.md"], re.MULTILINE))
    package = pytestconfig.rootpath / "placevec"
    rooms = {
        path.parent.relative_to(package).as_posix() for path in package.glob("*/**/__init__.py")
    }
    assert named == {room for room in rooms if "/" in room}


def test_the_example_of_vectors_runs(documents, tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", documents["docs/vectors.md"], re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(ModelConfig(cut_layer="block_1_project_BN", num_clusters=2))
    save_model(model, tmp_path / "runs" / "mine" / "model.keras")
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.jpg")
        photo = np.random.default_rng(number).integers(0, 256, (40, 50, 3), np.uint8)
        cv2.imwrite(str(paths[-1]), photo)
    names = {"database_paths": paths, "query_paths": paths[:2]}
    exec(code, names)  # noqa: S102
    assert names["neighbors"].shape == (2, 5)
    assert names["neighbors"][:, 0].tolist() == [0, 1]


def test_the_example_of_a_detector_adds_each_frame_of_a_video(documents, tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", documents["docs/loops.md"], re.DOTALL).group(1)
    monkeypatch.chdir(tmp_path)
    writer = cv2.VideoWriter("drive.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    names = {}
    exec(code, names)  # noqa: S102
    assert len(names["detector"]) == 3


def test_the_example_of_judging_writes_a_report(documents, pytestconfig, tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", documents["docs/judge.md"], re.DOTALL).group(1)
    (tmp_path / "photos").symlink_to(pytestconfig.rootpath / "placevec" / "networks" / "photos")
    monkeypatch.chdir(tmp_path)
    exec(code, {})  # noqa: S102
    files = ["metrics.json", "predictions.csv", "report.html"]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == files


def test_the_commands_for_collecting_are_understood(documents, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr("placevec.collecting.collect", lambda settings, **_: calls.append(settings))
    commands = re.findall(r"^    placevec (collect .*)$", documents["docs/collecting.md"], re.M)
    for command in commands:
        main(command.split())
    assert len(calls) == len(commands) >= 8
    assert calls[0].bbox == (52.37, 4.89, 52.371, 4.892)
    assert calls[0].dry_run and not calls[2].dry_run


def test_the_splits_and_points_in_the_formats_are_read(documents, tmp_path, monkeypatch):
    text = documents["docs/formats.md"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    names = ["a1.jpg", "a2.jpg", "a3.jpg"]
    for name in names:
        cv2.imwrite(str(tmp_path / "photos" / name), np.zeros((4, 4, 3), np.uint8))
    rows = [f"{name},{place},0" for place, name in enumerate(names)]
    (tmp_path / "photos" / "positions.csv").write_text("\n".join(["file,east,north", *rows]))
    splits = re.search(r"```csv\n(file,split.*?)```", text, re.DOTALL).group(1)
    (tmp_path / "photos" / "splits.csv").write_text(splits)
    assert open_places("folder:photos#train").names.tolist() == ["a1.jpg"]
    val = open_places("folder:photos#val")
    assert (val.names.tolist(), len(val.queries), len(val.database)) == (["a3.jpg"], 1, 0)
    code = re.search(r"```python\n(.*?write_points.*?)```", text, re.DOTALL).group(1)
    frames = [(np.full((4, 4), 2.0 + number), np.eye(4)) for number in range(3)]
    exec(code, {"frames": frames, "names": names, "intrinsics": np.eye(3)})  # noqa: S102
    assert open_places("folder:photos").points_seen.sum(axis=1).tolist() == [16, 16, 16]


def test_the_site_names_every_page(documents, pytestconfig):
    site = (pytestconfig.rootpath / "mkdocs.yml").read_text()
    named = re.findall(r"^ +- (?:.*: )?(\S+\.md)$", site, re.MULTILINE)
    pages = {name.removeprefix("docs/") for name in documents if name.startswith("docs/")}
    rooms = [path.parent.name for path in pytestconfig.rootpath.glob("placevec/*/__init__.py")
             if re.search(rf"from placevec\.{path.parent.name}\..* import (\w+) as \1\b",
                          path.read_text())]  # fmt: skip
    assert sorted(named) == sorted([*pages, *(f"api/{room}.md" for room in rooms)])
