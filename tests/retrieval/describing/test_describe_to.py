import numpy as np
import pytest

from placevec.evaluation import evaluate
from placevec.models import Engine
from placevec.places import PlaceDataset
from placevec.retrieval import describe_to, search
from placevec.store import DescriptorStore, StoreWriter, load_descriptors

RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


@pytest.fixture
def opened(monkeypatch, mean_color):
    """What engines were opened with, in place of opening them."""
    asked = []

    def open_engine(path, **options):
        asked.append((path, options))
        size = options.get("image_size") or (32, 48)
        return Engine("made", "float32", size, 3, 2, 1, 3, "an id", None, None, mean_color)

    monkeypatch.setattr("placevec.models.open_engine", open_engine)
    return asked


def test_describes_a_folder_to_a_file(write_photos, opened, tmp_path):
    paths = write_photos([RED, GREEN])
    done = describe_to(str(tmp_path / "d.npz"), str(tmp_path), "m.keras")
    names, descriptors, model_id = load_descriptors(tmp_path / "d.npz")
    assert names.tolist() == [path.name for path in paths]
    assert (descriptors.shape, model_id) == ((2, 3), "an id")
    assert str(done) == (
        f"2 descriptors of 3 dimensions in {tmp_path / 'd.npz'}, photos resized to 32x48; "
        "made, float32"
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_refuses_a_folder_with_the_name_of_a_file_before_photos_are_described(
    write_photos, tmp_path, overwrite
):
    write_photos([RED])
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(IsADirectoryError, match="d.npz is a folder. Name a file"):
        describe_to(tmp_path / "d.npz", tmp_path, "m.keras", overwrite=overwrite)


def test_a_store_keeps_the_positions_that_lie_beside_photos(write_photos, opened, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for path, name in zip(write_photos([RED, GREEN]), ("@1@2@.png", "@3@4@.png"), strict=True):
        path.rename(photos / name)
    describe_to(tmp_path / "store", photos, "m.keras")
    table = DescriptorStore.open(tmp_path / "store").table()
    assert table[["east_m", "north_m"]].values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    for path, name in zip(write_photos([BLUE]), ("new.png",), strict=True):
        path.rename(photos / name)
    assert describe_to(tmp_path / "store", photos, "m.keras").num_added == 1


def test_a_store_begun_without_positions_goes_on_without(write_photos, opened, tmp_path, caplog):
    photos = tmp_path / "photos"
    photos.mkdir()
    red, green = write_photos([RED, GREEN])
    red.rename(photos / "a.png")
    describe_to(tmp_path / "store", photos, "m.keras")
    green.rename(photos / "b.png")
    (photos / "positions.csv").write_text("file,east,north\na.png,1,2\nb.png,3,4\n")
    assert describe_to(tmp_path / "store", photos, "m.keras").num_added == 1
    assert "has no positions, so the positions of these photos are left out" in caplog.text
    with caplog.at_level("INFO"):
        found = search(tmp_path / "store", photos / "a.png", "m.keras")
    assert found["east_m"].isna().all()
    assert f"No photo in {tmp_path / 'store'} has a position" in caplog.text


def test_a_search_without_a_match_says_so(write_photos, opened, tmp_path, caplog):
    (photo,) = write_photos([RED])
    describe_to(tmp_path / "store", photo, "m.keras")
    assert search(tmp_path / "store", photo, "m.keras").empty
    assert f"No match for 1 of 1 photo (first: {photo.name}): " in caplog.text


def test_an_open_model_is_refused_where_the_store_remembers_its_file(
    write_photos, mean_color, opened, tmp_path
):
    (photo,) = write_photos([RED])
    with pytest.raises(ValueError, match="Received: function, which is open. Give .*'small'"):
        describe_to(tmp_path / "store", photo, mean_color)
    describe_to(tmp_path / "store", photo, "m.keras")
    with pytest.raises(ValueError, match="Received: function, which is open"):
        search(tmp_path / "store", photo, mean_color)


def test_a_store_keeps_its_zone_when_photos_move_the_middle(write_photos, opened, tmp_path):
    photos, table = tmp_path / "photos", tmp_path / "photos" / "positions.csv"
    photos.mkdir()
    for path, name in zip(write_photos([RED, GREEN, BLUE]), "abc", strict=True):
        path.rename(photos / f"{name}.png")
    table.write_text("file,lat,lon\na.png,48.1,11.9\n")
    (photos / "b.png").rename(tmp_path / "b.png")
    (photos / "c.png").rename(tmp_path / "c.png")
    describe_to(tmp_path / "store", photos, "m.keras")
    (tmp_path / "b.png").rename(photos / "b.png")
    (tmp_path / "c.png").rename(photos / "c.png")
    table.write_text("file,lat,lon\na.png,48.1,11.9\nb.png,48.1,12.1\nc.png,48.1,12.1\n")
    assert describe_to(tmp_path / "store", photos, "m.keras").num_added == 2
    store = DescriptorStore.open(tmp_path / "store")
    assert store.manifest.frame == "UTM 32U"
    assert np.ptp(store.table()["east_m"]) == pytest.approx(14_900, abs=50)
    named = f"table:{table}"  # in zone 33, as its middle
    assert describe_to(tmp_path / "store", named, "m.keras").num_added == 0
    found = search(store, named, "m.keras", radius_m=100.0)
    assert found[["query", "match", "distance_m"]].values.tolist() == [
        ["b.png", "c.png", 0.0],
        ["c.png", "b.png", 0.0],
    ]


def test_says_which_photos_have_positions_since_they_were_described(
    write_photos, opened, tmp_path, caplog
):
    photos = tmp_path / "photos"
    photos.mkdir()
    for path, name in zip(write_photos([RED, GREEN]), ("a.png", "b.png"), strict=True):
        path.rename(photos / name)
    (photos / "positions.csv").write_text("file,east,north\na.png,1,2\n")
    describe_to(tmp_path / "store", photos, "m.keras")
    assert "before the positions were known" not in caplog.text
    (photos / "positions.csv").write_text("file,east,north\na.png,1,2\nb.png,3,4\n")
    describe_to(tmp_path / "store", photos, "m.keras")
    assert "1 photo was described before the positions were known (first: b.png)" in (caplog.text)


def test_a_data_set_is_described_to_a_store_evaluated_and_searched(write_photos, opened, tmp_path):
    folder = tmp_path / "store"
    names = [path.name for path in write_photos([RED, GREEN, BLUE, (240, 9, 0)])]
    places = PlaceDataset(tmp_path, names, positions_m=[[0, 0], [90, 0], [180, 0], [1, 0]])
    assert describe_to(folder, places.take([0, 1, 2]), "m.keras").num_added == 3
    done = describe_to(folder, places, "m.keras", image_size=(32, 48))
    assert (done.num_added, done.num_descriptors, done.descriptor_dim) == (1, 4, 3)
    positions_m = DescriptorStore.open(folder).table()[["east_m", "north_m"]].to_numpy()
    np.testing.assert_array_equal(positions_m, places.positions_m)
    found = search(str(folder), tmp_path / names[0], "m.keras", matches=1)
    assert found[["query", "match"]].values.tolist() == [[names[0], names[3]]]
    part = search(DescriptorStore.open(folder), places, "m.keras", radius_m=5.0)
    assert sorted(zip(part["query"], part["match"], strict=True)) == [
        (names[0], names[3]),
        (names[3], names[0]),
    ]
    assert evaluate(places, "m.keras", image_size=(32, 48)).recall[1] == 1.0
    assert opened[-1][1] == {
        "image_size": (32, 48), "engine": "auto", "precision": "float32", "features": False,
    }  # fmt: skip


def test_evaluates_a_set_that_is_named(write_photos, opened, tmp_path):
    for path, east in zip(write_photos([RED, RED]), (0, 3), strict=True):
        path.rename(tmp_path / f"@{east}@0@.png")
    assert evaluate(f"folder:{tmp_path}", "m.keras").recall[1] == 1.0


@pytest.mark.parametrize(
    ("out", "settings", "error", "match"),
    [
        ("gone/d.npz", {}, FileNotFoundError, "There is no folder .*gone for d.npz"),
        ("d.txt", {}, ValueError, "end in .npz"),
        ("d.npz", {"dtype": "float16"}, ValueError, "left out with a .npz file"),
        ("d.npz", {"batch_size": 0}, ValueError, "batch_size"),
        ("d.npz", {"engine": "tensorrt"}, ValueError, "engine"),
        ("s", {"image_size": (64, 64)}, ValueError, "photos of one size"),
    ],
)
def test_refuses_what_it_cannot_write_before_a_model_is_opened(
    tmp_path, write_photos, opened, out, settings, error, match
):
    write_photos([RED])
    StoreWriter.create(tmp_path / "s", model_id="m", image_size=(32, 48)).close()
    with pytest.raises(error, match=match):
        describe_to(tmp_path / out, tmp_path, "m.keras", **settings)
    assert opened == []


@pytest.fixture
def opened_with_features(monkeypatch, patches):
    """What engines were opened with; they return local features, too."""
    asked = []

    def open_engine(path, **options):
        asked.append(options["features"])
        return patches

    monkeypatch.setattr("placevec.models.open_engine", open_engine)
    return asked


def test_a_store_that_was_begun_with_features_goes_on(textures, opened_with_features, tmp_path):
    home, folder = textures("home", a=(1, 0), b=(2, 9)), tmp_path / "store"
    done = describe_to(folder, home / "a.png", "m.keras", keep_features=True)
    # 4 x 6 cells of 192 numbers of two bytes
    assert done.feature_bytes == 9216 and "each with 9,216 bytes of local features" in str(done)
    describe_to(folder, home, "m.keras")
    store = DescriptorStore.open(folder)
    assert len(store) == 2 and store.take_features(np.array([0, 1])).shape == (2, 4, 6, 192)
    assert opened_with_features == [True, True]
    with pytest.raises(ValueError, match="`ray_workers` cannot keep local features"):
        describe_to(folder, home, "m.keras", ray_workers=2)


def test_refuses_features_for_a_store_that_was_begun_without(
    textures, opened_with_features, tmp_path
):
    home, folder = textures("home", a=(1, 0), b=(2, 9)), tmp_path / "store"
    assert "local features" not in str(describe_to(folder, home / "a.png", "m.keras"))
    with pytest.raises(ValueError, match="of all photos or of none"):
        describe_to(folder, home, "m.keras", keep_features=True)
    assert opened_with_features == [False]


@pytest.mark.parametrize(("out", "workers"), [("d.npz", 0), ("store", 2)])
def test_refuses_features_where_they_cannot_be_kept(textures, tmp_path, out, workers):
    with pytest.raises(ValueError, match="`keep_features` must be left out with"):
        describe_to(
            tmp_path / out, textures("home", a=(1, 0)), "m.keras", keep_features=True,
            ray_workers=workers,
        )  # fmt: skip
