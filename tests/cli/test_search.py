import io
import re
import shutil

import keras
import numpy as np
import pytest

from placevec.cli import main
from placevec.layers import GeM, PixelScaling
from placevec.models import open_engine, save_model
from placevec.store import StoreWriter


def test_a_store_is_searched_in_the_precision_it_was_described_in(
    places, model_path, tmp_path, capsys, refused_in_one_line, monkeypatch
):
    store, model = tmp_path / "s", ["--model", str(model_path)]
    describe = ["describe", str(places), *model, "--out", str(store), "--image-size", "32", "48"]
    main([*describe, "--engine", "keras", "--precision", "bf16"])
    capsys.readouterr()
    assert "vectors of one precision" in refused_in_one_line(describe)
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
    assert "A store holds vectors of one model" in refused_in_one_line(command)
    command = ["search", tmp_path / "s", places, "--model", tmp_path / "other.keras"]
    assert "A store holds vectors of one model" in refused_in_one_line(command)


def test_finds_the_stores_model_by_itself_and_looks_up_a_single_photo(
    places, model_path, tmp_path, capsys, refused_in_one_line, monkeypatch
):
    model, store = tmp_path / "m.keras", tmp_path / "s"
    shutil.copy(model_path, model)
    main(["describe", f"folder:{places}", "--model", str(model), "--out", str(store),
          "--image-size", "32", "48", "--engine", "keras"])  # fmt: skip
    capsys.readouterr()
    main(["search", str(store), str(places / "@100@0@.jpg"), "--matches", "1"])
    header, found = capsys.readouterr().out.splitlines()
    assert header == "query,rank,match,similarity,gap,confidence,east_m,north_m,lat,lon,time_s"
    assert found.startswith("@100@0@.jpg,1,@101@0@.jpg,0.999")
    assert found.endswith(",101.0,0.0,,,")
    data = (places / "@100@0@.jpg").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    main(["search", str(store), "-", "--matches", "2", "--out", str(tmp_path / "found.csv")])
    assert capsys.readouterr().out == f"2 matches in {tmp_path / 'found.csv'}\n"
    assert (tmp_path / "found.csv").read_text().splitlines()[1].startswith("photo,1,@100@0@.jpg,1")
    command = ["search", store, places, "--matches", "1"]
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 127, name="pixels")(photos)
    save_model(keras.Model(photos, GeM(name="aggregator")(x)), model)
    line = refused_in_one_line(command)
    assert f"was {model}, which now holds another model" in line and "--model" in line
    model.unlink()
    assert f"was {model}, which is missing" in refused_in_one_line(command)


@pytest.mark.parametrize(
    ("flag", "value", "match"),
    [
        ("--precision", "int8", "vectors of one precision"),
        ("--dtype", "float16", "one data type"),
        ("--image-size", "64 64", "photos of one size"),
    ],
)
def test_a_store_refuses_before_a_model_is_opened_or_fitted(
    places, tmp_path, refused_in_one_line, monkeypatch, flag, value, match
):
    StoreWriter.create(tmp_path / "s", model_id="m", image_size=(32, 48)).close()
    monkeypatch.setattr("placevec.models.open_engine", None)
    command = ["describe", places, "--model", "m.keras", "--out", tmp_path / "s", flag]
    assert match in refused_in_one_line([*command, *value.split()])


def test_a_store_of_another_network_refuses_one_that_ships_before_it_is_opened(
    places, tmp_path, refused_in_one_line, monkeypatch
):
    with StoreWriter.create(tmp_path / "s", model_id="m") as store:
        store.append(["a.jpg"], np.eye(1, 512))
        store.move(model_path="mine.keras")
    monkeypatch.setattr("placevec.models.open_engine", None)
    model = ["--model", "tiny"]
    for command in (["describe", places, *model, "--out", tmp_path / "s"],
                    ["search", tmp_path / "s", places, *model]):  # fmt: skip
        line = refused_in_one_line(command)
        assert "vectors of one model: `model_id` must be m in" in line
        assert "s, which mine.keras described. Received: " in line


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ("--before 2024-05-01", "No photo in .*s has a time"),
        ("--radius-m 9 --of 1 2", "No photo in .*s has a position"),
        ("--normalize map", "no statistics of the map in .*s"),
    ],
)
def test_what_a_store_does_not_know_is_refused_before_a_model_is_opened(
    places, tmp_path, refused_in_one_line, monkeypatch, flags, match
):
    with StoreWriter.create(tmp_path / "s", model_id="m") as store:
        store.append(["a.jpg"], np.eye(1, 8))
    monkeypatch.setattr("placevec.models.open_engine", None)
    command = ["search", tmp_path / "s", places, "--model", "m.keras", *flags.split()]
    assert re.search(match, refused_in_one_line(command))


def test_a_store_that_does_not_know_its_model_asks_for_it(places, tmp_path, refused_in_one_line):
    StoreWriter.create(tmp_path / "s", model_id="made elsewhere").close()
    line = refused_in_one_line(["search", tmp_path / "s", places])
    assert "s does not say where its model is (id made elsewhere). Name the file: `--model`" in line
