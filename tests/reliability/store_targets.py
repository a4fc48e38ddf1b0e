"""A store with an index as a target of the fuzzer: damaged files, and a hostile manifest."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from placevec.store import (
    AdaptedStore,
    DescriptorStore,
    StoreIndex,
    StoreWriter,
    check_store,
    nearest_in_store,
)
from placevec.store.files.leftovers import SET_ASIDE

_DIM = 16
_STORE = Path("store")
_MANIFEST = _STORE / "manifest.json"


def write_store(folder: Path) -> None:
    """Writes a store of two shards, a removed photo, statistics of the map and an index."""
    rng = np.random.default_rng(0)
    with StoreWriter.create(folder / _STORE, model_id="m") as store:
        positions_m, times_s = rng.normal(size=(60, 2)), rng.normal(size=60)
        store.append([f"{i}.jpg" for i in range(60)], _unit(rng, 60), positions_m, times_s)
        store.append([f"b{i}.jpg" for i in range(60)], _unit(rng, 60))
        store.remove(["3.jpg"])
        StoreIndex.build(AdaptedStore.fit(store), "sq8").save()


def use_store() -> None:
    """Checks the store, searches it and writes to it; a writer must keep every file it finds.

    Raises:
        ValueError, OSError: The first refusal.
        RuntimeError: If a file is neither what it was nor set aside once the store was opened.
    """
    rng = np.random.default_rng(1)
    refusals = [_refusal(lambda: check_store(_STORE)), _refusal(lambda: _search(rng))]
    before = {path.name: _content(path) for path in _STORE.iterdir()}
    refusals.append(_refusal(lambda: StoreWriter.open(_STORE).close()))
    for name, content in before.items():
        if content not in (_content(_STORE / name), _content(_STORE / SET_ASIDE / name)):
            raise RuntimeError(f"{name} is lost")
    refusals.append(_refusal(lambda: _append(rng)))
    for refusal in refusals:
        if refusal is not None:
            raise refusal


def sign_and_use_store() -> None:
    """Gives the manifest, if it is one, the digest that it should have, and uses the store."""
    try:
        if not _MANIFEST.is_file():
            raise FileNotFoundError
        values = json.loads(_MANIFEST.read_bytes())
        del values["digest"]
        text = json.dumps(values, sort_keys=True)
        _MANIFEST.write_text(
            json.dumps(values | {"digest": hashlib.sha256(text.encode()).hexdigest()})
        )
    except (ValueError, OSError, TypeError, KeyError, RecursionError):
        pass  # it is refused, or a file without digest is read as one of an earlier version
    use_store()


def _search(rng: np.random.Generator) -> None:
    store = DescriptorStore.open(_STORE)
    nearest_in_store(store, _unit(rng, 2), 3)
    index, queries = StoreIndex.load(store), _unit(rng, 2)
    if isinstance(index.store, AdaptedStore):
        queries = index.store.statistics.adapt(queries)
    index.search(queries, 3)


def _append(rng: np.random.Generator) -> None:
    with StoreWriter.open(_STORE) as store:
        store.append(["new"], _unit(rng, 1))
        store.compact()


def _refusal(work: Callable[[], object]) -> ValueError | OSError | None:
    try:
        work()
    except (ValueError, OSError) as error:
        return error
    return None


def _content(path: Path) -> bytes | None:
    """Returns the beginning of a regular file, a word for anything else, None for nothing."""
    if path.is_file():
        with path.open("rb") as file:
            return file.read(2**20)
    return b"not a file" if path.is_symlink() or path.exists() else None


def _unit(rng: np.random.Generator, count: int) -> np.ndarray:
    values = rng.normal(size=(count, _DIM))
    return values / np.linalg.norm(values, axis=1, keepdims=True)
