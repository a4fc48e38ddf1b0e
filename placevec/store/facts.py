"""Facts about a store, from its manifest."""

from collections.abc import Sequence
from pathlib import Path

from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.files.manifest import Manifest
from placevec.store.files.saved_statistics import SavedStatistics
from placevec.store.files.shards import FEATURES_DTYPE
from placevec.store.store import DescriptorStore


def store_facts(store: DescriptorStore) -> tuple[tuple[str, str], ...]:
    """Returns what a store holds. Only reads its manifest.

    Args:
        store: DescriptorStore.

    Returns:
        tuple of (what, value).
    """
    manifest = store.manifest
    size = "unknown" if manifest.image_size is None else "x".join(map(str, manifest.image_size))
    facts = [
        ("store", str(store.folder)),
        ("rows", f"{store.num_rows} in {counted(len(manifest.shards), 'shard')}"),
        ("descriptors", f"{counted(manifest.dim or 0, 'dimension')}, {manifest.dtype}"),
        ("model", manifest.model_id),
        ("model file", manifest.model_path or "unknown"),
        ("precision", manifest.precision),
        ("photos", f"in {manifest.root or 'an unknown folder'}, resized to {size}"),
        ("positions", f"in {manifest.frame}" if manifest.frame else "none"),
        ("local features", _features(manifest)),
        ("index", _index(manifest, store.folder)),
        ("map statistics", _statistics(manifest.statistics)),
    ]
    unsigned = sum(shard.photos_sha256 is None for shard in manifest.shards)
    if unsigned or not manifest.is_signed:
        facts.append(
            ("without digests", f"the names of {counted(unsigned, 'shard')}, which an earlier "
             "version wrote; "
             "`placevec remove STORE --compact` writes them again")
        )  # fmt: skip
    return tuple(facts)


def _index(manifest: Manifest, folder: Path) -> str:
    about = manifest.index
    if about is None:
        return "none"
    outdated = (
        "; adapted by another version of placevec. Build it again: "
        f"`{manifest.index_command(folder)}`"
    )
    return f"{about.kind}{outdated if about.is_outdated else ''}"


def _statistics(about: SavedStatistics | None) -> str:
    if about is None:
        return "none"
    stale = (
        f"; stale, {counted(about.num_changed, 'photo was', 'photos were')} added or removed since"
    )
    return (
        f"of {counted(about.num_photos, 'photo')}, to {counted(about.dim, 'dimension')}"
        f"{stale if about.num_changed else ''}"
    )


def _features(manifest: Manifest) -> str:
    if manifest.feature_shape is None:
        return "none"
    shape = "x".join(map(str, manifest.feature_shape))
    return f"{shape} {FEATURES_DTYPE}, {manifest.feature_bytes:,} bytes a photo"


def describe_facts(facts: Sequence[tuple[str, str]]) -> str:
    """Returns facts as text, one line per fact."""
    width = max(len(what) for what, _ in facts)
    return "\n".join(f"{what:{width}}  {shown(value)}" for what, value in facts)
