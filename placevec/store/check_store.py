"""Compares every byte of a store with its manifest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.facts import describe_facts, store_facts
from placevec.store.files.leftovers import SET_ASIDE, unnamed_files
from placevec.store.files.manifest import read_manifest
from placevec.store.files.shards import (
    Shard,
    digest_of,
    map_features,
    map_shard,
    read_photos,
    require_same,
)
from placevec.store.search.index import StoreIndex
from placevec.store.store import DescriptorStore
from placevec.store.unit_length import require_unit


@dataclass(frozen=True)
class StoreReport:
    """The result of checking a store. Its text is what the command line prints.

    Args:
        facts: tuple of (what, value).
        findings: tuple of str. One per fault; empty if the store is sound.
    """

    facts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]

    def __str__(self) -> str:
        lines = [describe_facts(self.facts), f"findings: {len(self.findings) or 'none'}"]
        return "\n".join([*lines, *(f"- {shown(finding)}" for finding in self.findings)])


def check_store(folder: Path) -> StoreReport:
    """Reads every byte of a store and compares it with the digests in its manifest.

    A fault in one file does not stop the check of the others. Nothing is changed.

    Args:
        folder: Path. The store.

    Returns:
        StoreReport.

    Raises:
        FileNotFoundError: If the store does not exist.
        ValueError: If the manifest is damaged, because nothing can be checked without it.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    store = DescriptorStore(folder, manifest)
    findings: list[str] = []

    def look(work: Callable[[], object]) -> None:
        try:
            work()
        except (ValueError, OSError) as error:
            findings.append(str(error))

    for shard in manifest.shards:
        look(lambda shard=shard: read_photos(folder, shard))
        look(lambda shard=shard: _require_good_descriptors(store, shard))
        if manifest.feature_shape is not None:
            shape = manifest.feature_shape
            look(lambda shard=shard, shape=shape: _require_good_features(store, shard, shape))
    look(lambda: store.is_removed)
    look(lambda: _require_names_once(store))
    is_adapted = manifest.statistics is not None
    look(lambda: StoreIndex.load(store, is_adapted=is_adapted))
    findings += _unnamed(store)
    return StoreReport(store_facts(store), tuple(findings))


def _require_good_descriptors(store: DescriptorStore, shard: Shard) -> None:
    manifest = store.manifest
    numbers = map_shard(store.folder, shard, manifest.dim or 0, manifest.dtype)
    path, _ = shard.paths(store.folder)
    require_same(path, digest_of(numbers), shard.sha256)
    require_unit(numbers, str(path))


def _require_good_features(
    store: DescriptorStore, shard: Shard, shape: tuple[int, int, int]
) -> None:
    numbers = map_features(store.folder, shard, shape)
    path = shard.features_path(store.folder)
    require_same(path, digest_of(numbers), shard.features_sha256 or "")


def _require_names_once(store: DescriptorStore) -> None:
    """Refuses a store in which two photos have the same name, which no writer makes."""
    names = store.photos["name"].to_numpy()[store.rows]
    if len(np.unique(names.astype(str))) < len(names):
        raise ValueError(f"Each photo must be in {store.folder} once. Received: names twice")


def _unnamed(store: DescriptorStore) -> list[str]:
    superseded, others = unnamed_files(store.folder, store.manifest)
    found = []
    if superseded:
        found.append(
            f"{counted(len(superseded), 'superseded file')} of a killed writer (first: "
            f"{superseded[0].name}); the next writer deletes what is superseded"
        )
    if others:
        found.append(
            f"{counted(len(others), 'file')} that the manifest does not name (first: "
            f"{others[0].name}): a killed writer left them, or an older manifest was put back; the "
            f"next writer moves them into {SET_ASIDE}"
        )
    aside = store.folder / SET_ASIDE
    if aside.is_dir():
        found.append(
            f"{counted(sum(1 for _ in aside.iterdir()), 'file')} in {aside}, moved there by a "
            "writer. Delete them if the store is complete"
        )
    return found
