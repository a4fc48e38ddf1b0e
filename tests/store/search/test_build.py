import numpy as np
import pytest

from placevec.store import StoreIndex, StoreWriter, index


@pytest.fixture
def folder(tmp_path, unit_vectors):
    with StoreWriter.create(tmp_path / "s", model_id="m") as store:
        store.append([f"{number}.jpg" for number in range(40)], unit_vectors(40, 16))
    return tmp_path / "s"


def test_builds_and_saves_the_kind_asked_for(folder):
    built = index(folder, kind="hnsw", recall=0.9)
    assert (built.kind, built.num_photos, built.recommendation) == ("hnsw", 40, None)
    assert str(built).startswith(f"hnsw of 40 photos in {folder}: recall@10 ")
    assert StoreIndex.load(StoreWriter.open(folder)).settings.kind == "hnsw"


def test_builds_what_it_recommends(folder):
    built = index(str(folder), auto=True, recall=0.5, sample=20)
    assert built.kind == built.recommendation.kind and built.recommendation.num_sampled == 20
    assert np.isfinite([built.recall, built.single_ms, built.batch_ms]).all()


def test_refuses_two_ways_to_choose(folder):
    with pytest.raises(ValueError, match="Choose one of `auto` and `kind`"):
        index(folder, auto=True, kind="hnsw")
