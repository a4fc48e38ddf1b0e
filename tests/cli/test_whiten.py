from pathlib import Path
from types import SimpleNamespace

import pytest

from placevec.cli import main
from placevec.models import load_model


def test_whiten_and_crop_write_models_of_fewer_numbers(places, model_path, tmp_path, capsys):
    whitened, cropped = tmp_path / "w.keras", tmp_path / "c.keras"
    main(["whiten", str(model_path), "--places", f"folder:{places}", "--dim", "2",
          "--out", str(whitened), "--image-size", "32", "48", "--power", "0.5"])  # fmt: skip
    assert capsys.readouterr().out == f"model with descriptors of 2 dimensions in {whitened}\n"
    assert load_model(whitened).output_shape == (None, 2)
    main(["crop", str(whitened), "--dim", "1", "--out", str(cropped)])
    assert capsys.readouterr().out == f"model with descriptors of 1 dimension in {cropped}\n"
    assert load_model(cropped).output_shape == (None, 1)
    main(["info", str(whitened), "--image-size", "10", "20"])
    assert "whitening" in capsys.readouterr().out


def test_whiten_hands_every_setting_on(monkeypatch):
    calls = []

    def spy(model, **options):
        calls.append((model, options))
        return SimpleNamespace(output_shape=(None, 2))

    monkeypatch.setattr("placevec.training.whiten", spy)
    main(
        "whiten m.keras --places folder:a --dim 2 --power 0.5 --augmentation light --max-photos 5 "
        "--image-size 32 48 --batch-size 3 --seed 4 --skip-unreadable --out w.keras".split()
    )
    ((model, options),) = calls
    options.pop("progress")
    assert model == Path("m.keras")
    assert options == {
        "places": "folder:a", "dim": 2, "rank": 0, "power": 0.5, "augmentation": "light",
        "max_photos": 5, "image_size": (32, 48), "batch_size": 3, "seed": 4,
        "skip_unreadable": True, "out": Path("w.keras"), "overwrite": False,
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["whiten", "crop"])
def test_whiten_and_crop_refuse_an_impossible_output_before_the_long_work(
    verb, tmp_path, refused_in_one_line
):
    command = [verb, tmp_path / "gone.keras", "--dim", "2", "--out", tmp_path / "w.h5"]
    command += ["--places", "folder:gone"] if verb == "whiten" else []
    assert "must end in .keras. Received" in refused_in_one_line(command)


def test_crop_refuses_a_model_without_whitening(model_path, tmp_path, refused_in_one_line):
    command = ["crop", model_path, "--dim", "2", "--out", tmp_path / "c.keras"]
    assert "must end in PCA whitening" in refused_in_one_line(command)


def test_whiten_takes_a_folder_of_photos_without_positions(
    model_path, write_photos, tmp_path, capsys
):
    (tmp_path / "plain").mkdir()
    colors = [(250, 0, 0), (20, 250, 0), (0, 40, 250), (90, 90, 250)]
    for number, path in enumerate(write_photos(colors)):
        (tmp_path / "plain" / f"{number}{path.suffix}").write_bytes(path.read_bytes())
    main(["whiten", str(model_path), "--places", str(tmp_path / "plain"), "--dim", "2",
          "--out", str(tmp_path / "w.keras"), "--image-size", "32", "48"])  # fmt: skip
    assert load_model(tmp_path / "w.keras").output_shape == (None, 2)
