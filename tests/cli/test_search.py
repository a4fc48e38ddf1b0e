import keras

from placevec.cli import main
from placevec.layers import GeM, PixelScaling
from placevec.models import open_engine, save_model


def test_a_store_is_searched_in_the_precision_it_was_described_in(
    places, model_path, tmp_path, capsys, refused_in_one_line, monkeypatch
):
    store, model = tmp_path / "s", ["--model", str(model_path)]
    describe = ["describe", str(places), *model, "--out", str(store), "--image-size", "32", "48"]
    main([*describe, "--engine", "keras", "--precision", "bf16"])
    capsys.readouterr()
    assert "two precisions do not mix" in refused_in_one_line(describe)
    opened = []

    def open_keras(path, **options):
        opened.append(options["precision"])
        return open_engine(path, engine="keras", **options)

    monkeypatch.setattr("placevec.models.open_engine", open_keras)
    main(["search", str(store), str(places), *model, "--matches", "1"])
    assert opened == ["bf16"]


def test_a_store_refuses_another_model(places, model_path, tmp_path, capsys, refused_in_one_line):
    main(["describe", str(places), "--model", str(model_path), "--out", str(tmp_path / "s"),
          "--image-size", "32", "48"])  # fmt: skip
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 127, name="pixels")(photos)
    save_model(keras.Model(photos, GeM(name="aggregator")(x)), tmp_path / "other.keras")
    capsys.readouterr()
    command = ["describe", places, "--model", tmp_path / "other.keras", "--out", tmp_path / "s"]
    assert "Vectors of two models do not mix" in refused_in_one_line(command)
    command = ["search", tmp_path / "s", places, "--model", tmp_path / "other.keras"]
    assert "Vectors of two models do not mix" in refused_in_one_line(command)
