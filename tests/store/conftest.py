"""Stores, and a disk that is full."""

import contextlib
import resource

import numpy as np
import pytest

from placevec.store import StoreWriter


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
