"""Photos of plain colours, and descriptors of them that can be worked out by hand."""

import contextlib
import resource

import cv2
import numpy as np
import pytest

from placevec.retrieval import StoreWriter


@pytest.fixture
def write_photos(tmp_path):
    """Returns a function that writes one photo of 32x48 for each (red, green, blue)."""

    def write(colors):
        paths = []
        for number, color in enumerate(colors):
            pixels = np.full((32, 48, 3), color, np.uint8)
            paths.append(tmp_path / f"photo{number:02d}.png")
            cv2.imwrite(str(paths[-1]), pixels[..., ::-1])
        return paths

    return write


@pytest.fixture
def mean_color():
    """Returns a model: a photo's mean color, of unit length."""

    def model(photos):
        means = photos.astype(np.float32).mean(axis=(1, 2)) + 1e-3
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    return model


@pytest.fixture
def unit_vectors():
    """Returns a function that makes (count, dim) float32 of unit length."""

    def make(count, dim=4, seed=0):
        made = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return make


@pytest.fixture
def folder(tmp_path):
    """Where a store may be made."""
    return tmp_path / "store"


@pytest.fixture
def filled(folder, unit_vectors):
    """A store of five photos in two shards."""
    with StoreWriter.create(folder, model_id="m") as store:
        places = [[1, 2], [3, 4], [np.nan, np.nan]]
        store.append(["a", "b", "c"], unit_vectors(3), places, [7, 8, 9])
        store.append(["d", "e"], unit_vectors(2, seed=1))
    return folder


@pytest.fixture
def disk_full_after():
    """Returns a context in which no file grows beyond a size, as on a full disk."""

    @contextlib.contextmanager
    def limited(num_bytes):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
