import subprocess
import sys
import textwrap
from dataclasses import replace

import cv2
import numpy as np
import pytest

from placevec.models.files.shipped import shipped_model
from placevec.places import PlaceDataset
from placevec.retrieval import NoReadablePhotoError, describe, describe_into, find_model, open_for
from placevec.store import DescriptorStore, StoreWriter

SIZE = (32, 48)
OPTIONS = {"image_size": SIZE, "batch_size": 2}
COLORS = [(20 * number, 200 - 20 * number, 90) for number in range(7)]


@pytest.fixture
def photos(write_photos):
    paths = write_photos(COLORS)
    return PlaceDataset(paths[0].parent, [path.name for path in paths])


def open_store(folder, root, **changes):
    photos = root if isinstance(root, PlaceDataset) else PlaceDataset(root, [])
    facts = {"model_id": "m", "dtype": "float32", "image_size": SIZE} | changes
    return open_for(folder, photos=photos, **facts)


def test_writes_what_describe_returns(photos, mean_color, tmp_path):
    with open_store(tmp_path / "store", photos) as store:
        assert describe_into(store, mean_color, photos, **OPTIONS) == 7
    expected, _ = describe(mean_color, photos.paths(), **OPTIONS)
    store = DescriptorStore.open(tmp_path / "store")
    np.testing.assert_array_equal(store.take(store.rows), expected)
    assert store.table().name.tolist() == photos.names.tolist()


def test_photos_described_already_are_not_described_again(photos, mean_color, tmp_path):
    seen = []

    def model(batch):
        seen.append(len(batch))
        return mean_color(batch)

    with open_store(tmp_path / "store", photos) as store:
        assert describe_into(store, model, photos.take([2, 3]), **OPTIONS) == 2
        assert describe_into(store, model, photos, **OPTIONS) == 5
        seen.clear()
        assert describe_into(store, model, photos, **OPTIONS) == 0
    assert seen == []


def test_positions_and_times_go_with_their_photos(photos, mean_color, tmp_path):
    photos.path(1).write_bytes(b"no photo")
    positions_m = np.arange(14.0).reshape(7, 2)
    dataset = replace(photos, positions_m=positions_m, times_s=10.0 * np.arange(7))
    with open_store(tmp_path / "store", dataset) as store:
        assert store.manifest.frame == "local"
        describe_into(store, mean_color, dataset.take([0]), **OPTIONS)
        assert describe_into(store, mean_color, dataset, **OPTIONS) == 5
        table = store.table()
    kept = [0, 2, 3, 4, 5, 6]
    assert table.name.tolist() == photos.names[kept].tolist()
    np.testing.assert_array_equal(table[["east_m", "north_m"]], positions_m[kept])
    assert table.time_s.tolist() == [10.0 * row for row in kept]


def test_what_was_described_before_an_error_is_kept(photos, mean_color, tmp_path):
    calls = []

    def model(batch):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return mean_color(batch)

    with open_store(tmp_path / "store", photos) as store:
        with pytest.raises(KeyboardInterrupt):
            describe_into(store, model, photos, **OPTIONS)
        assert len(store) == 4


def test_refuses_where_no_photo_can_be_read(tmp_path, mean_color):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    with open_store(tmp_path / "store", tmp_path) as store:
        with pytest.raises(NoReadablePhotoError, match="None of 1 photo can be read"):
            describe_into(store, mean_color, PlaceDataset(tmp_path, ["a.jpg"]), **OPTIONS)


def test_photos_of_another_folder_do_not_pass_for_known_ones(photos, tmp_path):
    root = photos.root
    open_store(tmp_path / "store", root).close()
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="Photos of two folders may have the same name"):
        open_store(tmp_path / "store", tmp_path / "other")
    with pytest.raises(ValueError, match="vectors of one model"):
        open_store(tmp_path / "store", root, model_id="n")
    with pytest.raises(ValueError, match="photos of one size"):
        open_store(tmp_path / "store", root, image_size=(64, 48))
    open_store(tmp_path / "store", root).close()  # refusing let go of the lock


def test_a_folder_that_was_moved_is_still_the_same(tmp_path):
    names = [f"{number}.jpg" for number in range(20)] + ["walk.mp4#000003"]
    (tmp_path / "photos").mkdir()
    for name in [*names[1:20], "walk.mp4"]:  # the first was deleted
        (tmp_path / "photos" / name).touch()
    with open_store(tmp_path / "store", tmp_path / "photos") as store:
        store.append(names, np.eye(21))
    (tmp_path / "photos").rename(tmp_path / "moved")
    with open_store(tmp_path / "store", tmp_path / "moved") as store:
        assert store.manifest.root == str(tmp_path / "moved")


def test_another_folder_does_not_take_the_place_of_a_missing_one(tmp_path):
    """Such as that of a disk which is not mounted now."""
    for name in ("photos", "other"):
        (tmp_path / name).mkdir()
    with open_store(tmp_path / "store", tmp_path / "photos") as store:
        store.append(["a.jpg", "b.jpg"], np.eye(2))
    (tmp_path / "photos").rmdir()
    (tmp_path / "other" / "a.jpg").touch()
    with pytest.raises(ValueError, match="photos, which is missing.*has 1 of 2 of these"):
        open_store(tmp_path / "store", tmp_path / "other")
    assert DescriptorStore.open(tmp_path / "store").manifest.root == str(tmp_path / "photos")


def test_two_precisions_do_not_mix(tmp_path):
    open_store(tmp_path / "store", tmp_path, precision="bf16").close()
    with pytest.raises(ValueError, match="vectors of one precision: `precision` must be bf16"):
        open_store(tmp_path / "store", tmp_path, model_id="m-int8", precision="int8")
    assert DescriptorStore.open(tmp_path / "store").manifest.precision == "bf16"
    with pytest.raises(ValueError, match="`precision` must be one of float32, bf16"):
        open_store(tmp_path / "other", tmp_path, precision="int4")


def test_a_store_keeps_its_type_of_numbers_and_refuses_another(tmp_path):
    open_store(tmp_path / "store", tmp_path, dtype="float16").close()
    with open_store(tmp_path / "store", tmp_path, dtype=None) as store:
        assert store.manifest.dtype == "float16"
    with pytest.raises(ValueError, match="one data type.*float16 in.*Received: float32"):
        open_store(tmp_path / "store", tmp_path, dtype="float32")


def test_a_store_knows_where_its_model_was_last(tmp_path):
    for name in ("one.keras", "other.keras"):
        open_store(tmp_path / "store", tmp_path, model_path=tmp_path / name).close()
        assert find_model_path(tmp_path / "store") == str(tmp_path / name)
    open_store(tmp_path / "store", tmp_path).close()
    assert find_model_path(tmp_path / "store") == str(tmp_path / "other.keras")


def test_a_store_of_a_shipped_network_knows_its_name_and_may_move(tmp_path):
    open_store(tmp_path / "store", tmp_path, model_path=shipped_model("tiny")).close()
    assert find_model_path(tmp_path / "store") == "tiny"
    assert find_model(DescriptorStore.open(tmp_path / "store")) == shipped_model("tiny")


def find_model_path(folder):
    return DescriptorStore.open(folder).manifest.model_path


DESCRIBE = """
    import os, sys, threading
    from pathlib import Path
    import numpy as np
    import placevec.retrieval.describing.describe_store as room
    from placevec.places import PlaceDataset
    from placevec.retrieval import describe_into, open_for

    root, folder = map(Path, sys.argv[1:])
    photos = PlaceDataset(root, sorted(path.name for path in root.glob("*.png")))
    room._PHOTOS_OF_A_SHARD = 3

    def model(batch):
        angles = batch.mean(axis=(1, 2, 3)) / 100
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    for attempt in range(30):
        child = os.fork()
        if not child:
            threading.Timer(0.01 * 1.5**attempt, os.kill, (os.getpid(), 9)).start()
            with open_for(folder, "m", "float32", (32, 48), photos) as store:
                describe_into(store, model, photos, image_size=(32, 48), batch_size=2)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
    print(attempt)
"""


def test_a_description_killed_many_times_has_every_photo_once(tmp_path):
    """Killed after 10, 15, 23 ... ms of work, and started again, until it is done."""
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(60):
        cv2.imwrite(str(root / f"{number:02d}.png"), np.full((32, 48, 3), number, np.uint8))
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DESCRIBE), str(root), str(tmp_path / "store")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert 2 <= int(answer.stdout) < 29, answer.stderr
    store = DescriptorStore.open(tmp_path / "store")
    table = store.table()
    assert sorted(table.name) == [f"{number:02d}.png" for number in range(60)]
    described = 100 * np.arcsin(store.take(store.rows)[:, 1])
    assert [f"{round(number):02d}.png" for number in described.tolist()] == table.name.tolist()


def test_a_bad_descriptor_costs_only_itself_and_what_comes_after(tmp_path, unit_vectors):
    batches = [(unit_vectors(2), [0, 1]), (np.zeros((1, 4), np.float32), [2])]
    with StoreWriter.create(tmp_path / "store", model_id="m") as store:
        with pytest.raises(ValueError, match=r"first: c.jpg, of length 0\)"):
            describe_fake(store, ["a.jpg", "b.jpg", "c.jpg"], batches)
    assert DescriptorStore.open(tmp_path / "store").table().name.tolist() == ["a.jpg", "b.jpg"]


def test_a_name_that_is_not_utf8_costs_only_itself(tmp_path, unit_vectors, caplog):
    with StoreWriter.create(tmp_path / "store", model_id="m") as store:
        names = ["a.jpg", "b\udce4d.jpg", "c.jpg"]
        added = describe_fake(store, names, [(unit_vectors(2), [0, 1])])
    assert added == 2
    assert DescriptorStore.open(tmp_path / "store").table().name.tolist() == ["a.jpg", "c.jpg"]
    assert (
        "left out 1 photo whose names are not UTF-8, or too long (first: b\\udce4d.jpg)"
        in caplog.text
    )


def describe_fake(store, names, batches):
    """Describes photos by what is given instead of a model."""
    return describe_into(
        store, None, PlaceDataset("photos", names), image_size=(8, 8), batch_size=2,
        describe=lambda *arguments, **options: batches,
    )  # fmt: skip
