import functools
import re
from dataclasses import replace

import numpy as np
import pytest

from placevec.config import SearchConfig
from placevec.places import PlaceDataset
from placevec.retrieval import Found, describe_into, draw_found, open_for, search, search_photos
from placevec.retrieval.hubness import depth, without_hubs
from placevec.retrieval.normalize import Normalizer
from placevec.store import AdaptedStore, StoreIndex, fit_map_statistics, nearest

COLORS = [(250, 0, 0), (240, 20, 0), (0, 250, 0), (0, 240, 20), (0, 0, 250), (20, 0, 240)]


@pytest.fixture
def town(write_photos, mean_color, tmp_path):
    """Photos of three places 1000 m apart, at times 0, 10 ... 50, and their store."""
    paths = write_photos(COLORS)
    root, names = paths[0].parent, [path.name for path in paths]
    positions_m = np.array([[1000 * (row // 2), row % 2] for row in range(6)])
    dataset = PlaceDataset(root, names, positions_m, times_s=10.0 * np.arange(6))
    store = open_for(tmp_path / "store", "m", "float32", (32, 48), dataset)
    describe_into(store, mean_color, dataset, image_size=(32, 48), batch_size=4)
    return store, mean_color, dataset


def matches(town, without=None, **settings):
    store, model, photos = town
    photos = photos if without is None else PlaceDataset(photos.root, photos.names)
    config = SearchConfig(model="m.keras", **settings)
    found = search_photos(store, model, photos, config)
    return {query: each["match"].tolist() for query, each in found.groupby("query")}, found


def alone(dataset):
    """Returns the first photo without its place."""
    return PlaceDataset(dataset.root, dataset.names[:1])


def test_each_photo_finds_the_other_of_its_place(town):
    names = town[2].names
    found, table = matches(town, matches=1)
    assert found == {names[row]: [names[row ^ 1]] for row in range(6)}
    assert table.columns.tolist() == [
        "query", "rank", "match", "similarity", "gap", "confidence", "distance_m", "east_m",
        "north_m", "lat", "lon", "time_s",
    ]  # fmt: skip
    assert table["rank"].tolist() == [1] * 6 and (table["similarity"] > 0.9).all()
    assert table["distance_m"].tolist() == [1] * 6 and (table["gap"] > 0.5).all()
    assert table["east_m"].tolist() == [0, 0, 1000, 1000, 2000, 2000]


def test_tells_positions_to_the_centimetre_and_as_latitude_and_longitude(town, tmp_path):
    _, model, dataset = town
    positions_m = np.array([[303182.7211111, 5787755.1122222]] * 6)
    dataset = replace(dataset, positions_m=positions_m, frame="UTM 31U")
    store = open_for(tmp_path / "utm", "m", "float32", (32, 48), dataset)
    describe_into(store, model, dataset, image_size=(32, 48), batch_size=4)
    found = search_photos(store, model, alone(dataset), SearchConfig(matches=1))
    told = found[["east_m", "north_m", "lat", "lon"]].to_csv(index=False).splitlines()[1]
    assert told == "303182.72,5787755.11,52.2050448,0.1195771"


@pytest.mark.parametrize(("frame", "unit"), [("frames", "frames"), ("SLAM units", "units")])
def test_positions_of_frames_are_not_called_metres(town, tmp_path, frame, unit):
    _, model, dataset = town
    dataset = replace(dataset, times_s=np.arange(6) / 3, frame=frame)
    store = open_for(tmp_path / "video", "m", "float32", (32, 48), dataset)
    describe_into(store, model, dataset, image_size=(32, 48), batch_size=4)
    found = search_photos(store, model, alone(dataset), SearchConfig(matches=1))
    assert found.columns.tolist()[6:8] == [f"east_{unit}", f"north_{unit}"]
    assert found["time_s"].tolist() == [0.333]


def test_a_photo_in_a_folder_below_the_stores_is_not_its_own_match(town, tmp_path):
    _, model, dataset = town
    below = [f"{dataset.root.name}/{name}" for name in dataset.names]
    above = PlaceDataset(dataset.root.parent, below)
    store = open_for(tmp_path / "above", "m", "float32", (32, 48), above)
    describe_into(store, model, above, image_size=(32, 48), batch_size=4)
    found = search_photos(store, model, alone(dataset), SearchConfig(matches=6))
    assert found["match"].iloc[0] == below[1]
    assert below[0] not in found["match"].tolist() and len(found) == 5


def test_only_photos_near_a_prior(town):
    names = town[2].names
    found, _ = matches(town, matches=5, radius_m=10.0, of=(2000.0, 0.0))
    assert set(sum(found.values(), [])) == {names[4], names[5]}
    found, _ = matches(town, matches=5, radius_m=10.0)  # of each photo's own position
    assert found == {names[row]: [names[row ^ 1]] for row in range(6)}


def test_only_earlier_photos(town):
    names = town[2].names
    found, _ = matches(town, matches=5, before="1970-01-01T00:00:20")
    assert set(sum(found.values(), [])) == {names[0], names[1]}
    found, _ = matches(town, matches=5, earlier=True)
    assert {query: set(each) for query, each in found.items()} == {
        names[row]: set(names[:row]) for row in range(1, 6)
    }
    found, _ = matches(town, matches=5, earlier=True, before="1970-01-01T00:00:10")
    assert found == {names[row]: [names[0]] for row in range(1, 6)}


@pytest.mark.parametrize(
    "before",
    ["1970-01-01T00:00:20", "1970-01-01T02:00:20+02:00", "1970:01:01 00:00:20", "19700101_000020"],
)
def test_a_moment_is_spelled_as_in_tables(town, before):
    names = town[2].names
    found, _ = matches(town, matches=5, before=before)
    assert set(sum(found.values(), [])) == {names[0], names[1]}


@pytest.mark.parametrize("before", ["yesterday", "30.06.2014", "12:00", ""])
def test_refuses_what_is_no_moment_before_a_model_is_opened(town, before):
    with pytest.raises(ValueError, match="`before` must be a date or a time with its date"):
        search(town[0], town[2], "gone.keras", before=before)


def test_uses_the_index_of_the_store(town):
    StoreIndex.build(town[0], "hnsw").save()
    names = town[2].names
    assert matches(town, matches=1)[0] == {names[row]: [names[row ^ 1]] for row in range(6)}


def test_refuses_filters_without_what_they_need(town):
    with pytest.raises(ValueError, match="`radius_m` needs a center"):
        matches(town, without="positions", radius_m=10.0)
    with pytest.raises(ValueError, match="`earlier` needs photos whose times"):
        matches(town, without="times", earlier=True)


def test_draws_what_was_found(town, tmp_path):
    _, found = matches(town, matches=2)
    root = town[2].root
    draw_found(Found(found, root, root), tmp_path / "found.jpg")
    assert (tmp_path / "found.jpg").stat().st_size > 1000
    with pytest.raises(ValueError, match="No photo was found"):
        draw_found(Found(found[:0], root, root), tmp_path / "none.jpg")


@pytest.fixture
def known_model(town, monkeypatch):
    """The store and photos of the town, whose model is opened without a file."""
    store, model, dataset = town
    model = type("Opened", (), {"model_id": "m", "__call__": staticmethod(model)})()
    monkeypatch.setattr("placevec.models.open_engine", lambda *_, **__: model)
    return store, dataset


@pytest.mark.parametrize("suffix", [".html", ".csv", ".jpg", ".png", ".JPG"])
def test_what_was_found_is_written_as_the_suffix_says(known_model, tmp_path, suffix):
    store, photos = known_model
    out = tmp_path / f"found{suffix}"
    found = search(store, photos, "m.keras", matches=2, out=out)
    assert len(found) == 12 and out.stat().st_size > 300
    beginning = {".html": b"<!doctype html>", ".csv": b"query,rank,", ".png": b"\x89PNG"}
    assert out.read_bytes().startswith(beginning.get(suffix, b"\xff\xd8"))


@pytest.mark.parametrize("suffix", [".geojson", ".kml"])
def test_photos_of_a_utm_zone_are_written_as_points_on_a_map(town, known_model, tmp_path, suffix):
    _, model, dataset = town
    positions_m = np.array([[303182.72, 5787755.11]] * 6)
    dataset = replace(dataset, positions_m=positions_m, frame="UTM 31U")
    store = open_for(tmp_path / "utm", "m", "float32", (32, 48), dataset)
    describe_into(store, model, dataset, image_size=(32, 48), batch_size=4)
    out = tmp_path / f"found{suffix}"
    search(store, alone(dataset), "m.keras", matches=2, out=out)
    text = "".join(out.read_text().split())
    assert text.count("0.1195771,52.2050448") == 2
    similarities = re.findall(r"similarity(?:\W*)(0\.\d+)", text)
    assert len(similarities) == 2 and max(map(len, similarities)) <= len("0.1234")


def test_the_bytes_of_a_photo_are_looked_up(known_model, tmp_path):
    store, photos = known_model
    data = (photos.root / photos.names[2]).read_bytes()
    found = search(store, data, "m.keras", matches=2, out=tmp_path / "found.html")
    assert found["query"].tolist() == ["photo"] * 2
    assert found["match"].tolist() == photos.names[2:4].tolist()
    assert (tmp_path / "found.html").read_text().count("<img") == 3


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff\xe0" + bytes(40)])
def test_refuses_bytes_that_are_no_photo(known_model, data):
    with pytest.raises(ValueError, match=rf"of one photo. Received: {len(data)} bytes \("):
        search(known_model[0], data, "m.keras")


def test_refuses_a_file_before_a_model_is_opened(town, tmp_path):
    store, _, photos = town
    with pytest.raises(ValueError, match="ends in one of .html, .csv, .geojson, .kml, .jpg, .png"):
        search(store, photos, "gone.keras", out=tmp_path / "found.txt")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        search(store, photos, "gone.keras", out=tmp_path / "missing" / "found.html")
    with pytest.raises(ValueError, match="found.kml needs photos with latitude and longitude"):
        search(store, photos, "gone.keras", out=tmp_path / "found.kml")


def test_the_gap_is_to_another_place_even_if_a_place_has_many_photos(write_photos, tmp_path):
    """40 photos of one place, more than are found at first, and one of another."""
    paths = write_photos([(200, 10 + number, 0) for number in range(40)] + [(0, 0, 200)])
    positions_m = np.array([[number / 10, 0] for number in range(40)] + [[500, 0]])
    photos = PlaceDataset(paths[0].parent, [path.name for path in paths], positions_m)

    def model(batch):
        vectors = np.asarray(batch, np.float32).mean(axis=(1, 2)) + 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    store = open_for(tmp_path / "many", "m", "float32", (32, 48), photos)
    describe_into(store, model, photos, image_size=(32, 48), batch_size=8)
    query = PlaceDataset(photos.root, photos.names[:1])
    found = search_photos(store, model, query, SearchConfig(matches=3, normalize="none"))
    vectors = store.take(store.rows)
    expected = found["similarity"].to_numpy() - vectors[0] @ vectors[40]
    np.testing.assert_allclose(found["gap"], expected, atol=2e-4)


@pytest.fixture
def map_of_40(write_photos, tmp_path, mean_color):
    """A store of 40 photos with statistics, its model, and 4 queries that look like 4 of them."""
    rng = np.random.default_rng(0)
    colors = rng.integers(60, 190, (40, 3))
    paths = write_photos([tuple(map(int, color)) for color in colors])
    dataset = PlaceDataset(paths[0].parent, [path.name for path in paths])

    store = open_for(tmp_path / "store", "m", "float32", (32, 48), dataset)
    describe_into(store, mean_color, dataset, image_size=(32, 48), batch_size=4)
    StoreIndex.build(AdaptedStore.fit(store)).save()
    (tmp_path / "queries").mkdir()
    for path in paths[:4]:
        (tmp_path / "queries" / path.name).write_bytes(path.read_bytes())
    queries = PlaceDataset(tmp_path / "queries", dataset.names[:4])
    return store, mean_color, queries


@pytest.mark.parametrize("normalize", [None, "none", "map", "running", "own"])
@pytest.mark.parametrize("hubness", ["none", "csls", "csls_batch"])
def test_queries_are_adapted_as_the_arrays_are(map_of_40, normalize, hubness):
    store, model, photos = map_of_40
    config = SearchConfig(matches=3, normalize=normalize, hubness=hubness)
    found = search_photos(store, model, photos, config)
    database, queries = store.take(store.rows), store.take(np.arange(4))
    if normalize != "none":
        statistics = fit_map_statistics(database)
        database = statistics.adapt(database)
        queries = Normalizer(statistics, normalize or "map")(queries)
    find = functools.partial(nearest, database)
    ranked = without_hubs(
        hubness, *find(queries, depth(hubness, 3)), queries, find, database.__getitem__
    )
    names = store.photos["name"].to_numpy()
    assert found["match"].tolist() == names[ranked[0][:, :3].ravel()].tolist()
    np.testing.assert_allclose(found["similarity"], ranked[1][:, :3].ravel(), atol=1e-4)


def test_statistics_that_are_missing_are_said_before_photos_are_described(town):
    store, _, photos = town

    def never(batch):
        raise AssertionError("described photos first")

    with pytest.raises(ValueError, match="no statistics of the map .* `placevec index "):
        search_photos(store, never, photos, SearchConfig(normalize="own"))


@pytest.fixture
def look_alike(patches, textures, tmp_path):
    """A query, the photo of the same texture, and one whose color is nearer."""
    home = textures("home", other=(2, 29), same=(1, 20))
    photos = PlaceDataset(home, ["other.png", "same.png"])
    store = open_for(tmp_path / "store", "an id", None, (32, 48), photos)
    describe_into(store, patches, photos, image_size=(32, 48), batch_size=2)
    queries = textures("queries", query=(1, 30))
    return store, patches, PlaceDataset(queries, ["query.png"])


@pytest.mark.parametrize("rerank", ["features", "sift"])
def test_what_shares_local_features_comes_first(look_alike, rerank, monkeypatch):
    if rerank == "sift":  # the photos are too small for it
        points = {"same.png": 30, "other.png": 2}
        monkeypatch.setattr(
            "placevec.retrieval.reranking.sift.sift_points",
            lambda path, _: (np.zeros((9, 2)), path.name),
        )
        monkeypatch.setattr(
            "placevec.retrieval.reranking.sift.match_points",
            lambda query, found: np.full((points[found[1]], 4), 8, np.float32),
        )
    store, model, photos = look_alike
    plain = search_photos(store, model, photos, SearchConfig())
    assert plain["match"].tolist() == ["other.png", "same.png"] and "inliers" not in plain
    found = search_photos(store, model, photos, SearchConfig(rerank=rerank))
    assert found["match"].tolist() == ["same.png", "other.png"]
    assert found["inliers"].tolist() == ([24, 0] if rerank == "features" else [30, 2])
    assert found["similarity"].tolist() == plain["similarity"].tolist()[::-1]
    assert found["rank"].tolist() == [1, 2]


@pytest.mark.parametrize("rerank", ["features", "sift"])
def test_nothing_is_compared_if_no_photo_passes_the_filters(look_alike, rerank):
    store, model, photos = look_alike
    photos = replace(photos, times_s=np.array([5.0]))
    photos_of_store = PlaceDataset(store.manifest.root, ["other.png"], times_s=np.array([9.0]))
    with open_for(store.folder.parent / "timed", "an id", None, (32, 48), photos_of_store) as timed:
        describe_into(timed, model, photos_of_store, image_size=(32, 48), batch_size=2)
        found = search_photos(timed, model, photos, SearchConfig(rerank=rerank, earlier=True))
    assert found.empty and "inliers" in found


def test_what_was_not_compared_has_no_count_of_inliers(look_alike):
    store, model, photos = look_alike
    config = SearchConfig(rerank="features", rerank_top=1)
    found = search_photos(store, model, photos, config)
    assert found["match"].tolist() == ["other.png", "same.png"]
    assert found["inliers"].isna().tolist() == [False, True]
    assert found.to_csv(index=False).splitlines()[2].split(",")[5] == ""


def test_more_matches_are_compared_than_are_returned(look_alike):
    store, model, photos = look_alike
    found = search_photos(store, model, photos, SearchConfig(rerank="features", matches=1))
    assert found["match"].tolist() == ["same.png"]


def test_a_photo_of_the_store_is_not_compared_with_itself(look_alike):
    store, model, _ = look_alike
    photos = PlaceDataset(store.manifest.root, ["same.png"])
    found = search_photos(store, model, photos, SearchConfig(rerank="features"))
    assert found["match"].tolist() == ["other.png"] and found["inliers"].tolist()[0] < 24
