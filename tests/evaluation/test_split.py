import os
import shutil
import sys

import cv2
import numpy as np
import pytest

from placevec.config import SplitConfig
from placevec.evaluation import make_split
from placevec.evaluation import split as split_places
from placevec.images import UnreadableImageError
from placevec.places import SPLITS, PlaceDataset
from placevec.sources import open_places, write_splits


def write_photo(path, seed):
    rng = np.random.default_rng(seed)
    pixels = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (64, 48))
    cv2.imwrite(str(path), pixels)
    return pixels


@pytest.fixture
def town(tmp_path):
    """60 photos along a street of 600 m, each of something else."""
    for number in range(60):
        write_photo(tmp_path / f"@{10 * number}@0@@@@@@@@@@@@{number}@.png", number)
    return tmp_path


def settings(**values):
    return SplitConfig(**({"buffer_m": 15.0} | values))


def read(folder):
    return [open_places(f"folder:{folder}#{name}") for name in SPLITS]


def photo(folder, number):
    return next(folder.glob(f"*@{number}@.png"))


def test_opens_splits_and_says_what_it_made(town, monkeypatch):
    made = split_places(f"folder:{town}", **vars(settings(duplicate_bits=None)))
    assert len(made.dataset) == 60 and made.name == f"folder:{town}"
    lines = str(made).splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == list(SPLITS)
    assert lines[-1] == f"{town}/splits.csv: open a split as folder:{town}#train"
    monkeypatch.setattr(sys.modules[split_places.__module__], "open_places", None)
    with pytest.raises(FileExistsError, match="has a split already"):  # without a look at photos
        split_places(town)


def test_a_folder_whose_name_is_not_utf8_is_shown_in_printable_characters(town, tmp_path):
    odd = tmp_path.parent / f"{tmp_path.name}-\udcff"
    town.rename(odd)
    text = str(split_places(odd, **vars(settings(duplicate_bits=None))))
    assert "\\udcff/splits.csv" in text and text.replace("\n", "").isprintable()


def test_writes_a_split_that_opens(town):
    dataset = open_places(str(town))
    split, roles = make_split(dataset, settings())
    parts = read(town)
    assert [len(part) for part in parts] == [len(split.rows(name)) for name in SPLITS]
    assert sum(map(len, parts)) + (split.left_out == "buffer").sum() == 60
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart_m = parts[one].positions_m[:, None] - parts[other].positions_m[None]
        assert np.linalg.norm(apart_m, axis=2).min() >= 15.0
    assert parts[0].is_query.all() and parts[0].is_database.all()
    for part in parts[1:]:
        assert len(part.queries) == 3
        assert (part.is_query != part.is_database).all()
    assert "frame: local" in (town / "splits.svg").read_text()
    assert len(open_places(str(town))) == 60  # the map is not a photo
    assert roles[split.names == "val"].tolist().count("query") == 3


def test_the_same_settings_give_the_same_file_and_another_seed_another(town):
    dataset = open_places(str(town))
    files = []
    for seed in (0, 0, 1):
        make_split(dataset, settings(seed=seed, overwrite=True))
        files.append((town / "splits.csv").read_bytes())
    assert files[0] == files[1] != files[2]


def test_replaces_no_split_unasked(town):
    write_splits(town, ["a.png"], ["train"], [""])
    with pytest.raises(FileExistsError, match="has a split already.*`--overwrite`"):
        make_split(open_places(str(town)), settings())


def test_a_kill_leaves_the_older_split(town, monkeypatch):
    write_splits(town, ["a.png"], ["train"], [""])
    before = (town / "splits.csv").read_bytes()

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        make_split(open_places(str(town)), settings(overwrite=True))
    assert (town / "splits.csv").read_bytes() == before


def test_leaves_out_copies_and_photos_that_nearly_are(town):
    dataset = open_places(str(town))
    free, _ = make_split(dataset, settings())
    number = {
        name: [int(dataset.names[row].split("@")[-2]) for row in free.rows(name)] for name in SPLITS
    }
    shutil.copy(photo(town, number["train"][0]), photo(town, number["val"][0]))
    shutil.copy(photo(town, number["train"][0]), photo(town, number["test"][0]))
    pixels = cv2.imread(str(photo(town, number["train"][1])))
    cv2.imwrite(str(photo(town, number["test"][1])), (0.9 * pixels + 8).astype(np.uint8))
    write_photo(photo(town, number["train"][2]), 777)
    shutil.copy(photo(town, number["train"][2]), photo(town, number["train"][3]))
    split, _ = make_split(dataset, settings(overwrite=True))
    reasons = {
        int(dataset.names[row].split("@")[-2]): split.left_out[row]
        for row in np.flatnonzero((split.names == "") & (free.names != ""))
    }
    assert reasons == {
        number["val"][0]: "duplicate",
        number["test"][0]: "duplicate",
        number["test"][1]: "near duplicate",
    }
    split, _ = make_split(dataset, settings(overwrite=True, duplicate_bits=None))
    assert set(split.left_out) == {"", "buffer"}


def test_a_model_finds_photos_that_look_alike(town):
    dataset = open_places(str(town))
    free, _ = make_split(dataset, settings())
    special = {row: 30 for row in (free.rows("train")[0], free.rows("val")[1])}
    special |= {row: 31 for row in (free.rows("val")[2], free.rows("test")[3])}
    for row in range(60):
        value = special.get(row, 100 + row)
        cv2.imwrite(str(dataset.path(row)), np.full((48, 64, 3), value, np.uint8))

    def model(photos):
        return np.eye(256, dtype=np.float32)[photos[:, 0, 0, 0]]

    split, _ = make_split(dataset, settings(overwrite=True, duplicate_bits=None), model)
    left_out = np.flatnonzero(split.left_out == "similar")
    smaller = free.by_size()[0]
    expected = [free.rows("val")[1], free.rows(smaller)[3 if smaller == "test" else 2]]
    assert left_out.tolist() == sorted(expected)
    split, _ = make_split(
        dataset, settings(overwrite=True, duplicate_bits=None, max_similarity=1.0, model="m"), model
    )
    assert not (split.left_out == "similar").any()


def test_refuses_a_split_of_copies(town):
    for number in range(1, 60):
        shutil.copy(photo(town, 0), photo(town, number))
    with pytest.raises(ValueError, match="none left in val and test.*Lower `duplicate_bits`"):
        make_split(open_places(str(town)), settings())
    assert not (town / "splits.csv").exists()


def test_a_photo_that_cannot_be_read_stops_it_or_is_left_out(town):
    photo(town, 17).write_bytes(b"no photo")
    with pytest.raises(UnreadableImageError):
        make_split(open_places(str(town)), settings(buffer_m=0.0))
    split, _ = make_split(open_places(str(town)), settings(buffer_m=0.0, skip_unreadable=True))
    assert sorted(split.left_out)[-1] == "unreadable"
    assert (split.left_out != "").sum() == 1


def test_draws_no_map_without_positions(town):
    names = [path.name for path in town.glob("*.png")]
    dataset = PlaceDataset(town, names, place_ids=np.arange(60) // 3)
    split, roles = make_split(dataset, settings())
    assert not (town / "splits.svg").exists()
    assert (split.names != "").all()


def test_splits_cambridge(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_FOLLOW_LINKS", "1")
    source = shared_data("cambridge", "train")
    for path in source.iterdir():
        (tmp_path / path.name).symlink_to(path)
    dataset = open_places(f"table:{tmp_path}")
    split, roles = make_split(dataset, SplitConfig(buffer_m=25.0))
    parts = [open_places(f"table:{tmp_path}#{name}") for name in SPLITS]
    assert [round(len(part) / len(dataset), 1) for part in parts] == [0.5, 0.2, 0.2]
    assert {part.frame for part in parts} == {dataset.frame}
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart_m = parts[one].positions_m[:, None] - parts[other].positions_m[None]
        assert np.square(apart_m).sum(axis=2).min() >= 25.0**2
        places = set(parts[one].place_ids) & set(parts[other].place_ids)
        assert not places - {-1}
