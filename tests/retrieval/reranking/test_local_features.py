import numpy as np
import pytest

from placevec.models import Engine
from placevec.models.describe import describe, describe_in_batches, features_in_batches
from placevec.places import PlaceDataset
from placevec.retrieval import describe_into, open_for
from placevec.retrieval.reranking.local_features import (
    describe_with_features,
    require_photos,
    store_matcher,
)

SIZE = (32, 48)


def listed(home):
    return sorted(home.iterdir())


def store_of(home, patches, tmp_path, keep):
    names = [path.name for path in listed(home)]
    photos = PlaceDataset(home, names)
    work = features_in_batches if keep else describe_in_batches
    with open_for(tmp_path / f"store-{keep}", "an id", None, SIZE, photos) as store:
        describe_into(store, patches, photos, image_size=SIZE, batch_size=2, describe=work)
        return store


def test_features_come_with_the_descriptors_of_photos_that_can_be_read(patches, textures):
    home = textures("home", a=(1, 0), b=(2, 5), d=(4, 9))
    (home / "c.png").write_bytes(b"no photo")
    descriptors, maps, kept = describe_with_features(patches, listed(home), batch_size=2)
    assert kept.tolist() == [0, 1, 3]
    np.testing.assert_array_equal(descriptors, describe(patches, listed(home))[0])
    assert isinstance(maps, np.memmap) and maps.dtype == np.float16
    photos = [path for path in listed(home) if path.name != "c.png"]
    for photo, found in zip(photos, maps, strict=True):
        alone = describe_with_features(patches, [photo])[1]
        np.testing.assert_array_equal(found, alone[0])


def test_refuses_an_engine_without_features(patches, textures, mean_color):
    plain = Engine("made", "float32", SIZE, 3, 2, 1, 3, "an id", None, None, mean_color)
    with pytest.raises(ValueError, match="opened with `features=True`"):
        describe_with_features(plain, listed(textures("home", a=(1, 0))))


def test_refuses_photos_none_of_which_can_be_read(patches, tmp_path):
    with pytest.raises(ValueError, match="None of 1 photo"):
        describe_with_features(patches, [tmp_path / "gone.png"])


def test_kept_features_match_as_those_that_are_computed_again(patches, textures, tmp_path):
    home = textures("home", a=(1, 0), b=(2, 5), c=(3, 9))
    queries = textures("queries", q=(2, 40))
    _, maps, _ = describe_with_features(patches, listed(queries))
    found = []
    for keep in (True, False):
        store = store_of(home, patches, tmp_path, keep)
        matcher = store_matcher(store, patches, maps, np.array([[2, 1, -1]]))
        found.append(matcher.match(0, np.array([2, 1])))
    assert matcher.full_count == 4 * 6
    assert [len(points) for points in found[0]] == [0, 24]
    for kept, computed in zip(*found, strict=True):
        np.testing.assert_array_equal(kept, computed)


def test_kept_features_need_no_photos(patches, textures, tmp_path):
    home = textures("home", a=(1, 0), b=(2, 5))
    maps = describe_with_features(patches, listed(home))[1]
    store = store_of(home, patches, tmp_path, keep=True)
    for path in listed(home):
        path.unlink()
    home.rmdir()
    require_photos(store)
    with pytest.raises(FileNotFoundError, match="by pixels needs the photos.*home"):
        require_photos(store, by_features=False)
    matcher = store_matcher(store, patches, maps, np.array([[0, 1]]))
    assert len(matcher.match(1, np.array([1]))[0]) == 24


def test_refuses_a_store_without_features_whose_photos_are_gone(patches, textures, tmp_path):
    home = textures("home", a=(1, 0), b=(2, 5))
    maps = describe_with_features(patches, listed(home))[1]
    store = store_of(home, patches, tmp_path, keep=False)
    (home / "b.png").unlink()
    with pytest.raises(ValueError, match="Received: b.png, which is not in .*--keep-features"):
        store_matcher(store, patches, maps, np.array([[0, 1]]))
    (home / "a.png").unlink()
    home.rmdir()
    with pytest.raises(FileNotFoundError, match="no folder .*home.*--keep-features"):
        require_photos(store)
