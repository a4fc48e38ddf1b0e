"""Splits photos into train, val and test. No place or look-alike photo is in two of them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import SplitConfig
from placevec.config.choices import SplitBy
from placevec.counted import counted
from placevec.evaluation.figures import draw_split
from placevec.images import UnreadableImageError, fingerprint, near_duplicates_across, read_ahead
from placevec.images.duplicates.fingerprint import Fingerprint
from placevec.input_file import shown
from placevec.models.describe import Model, describe
from placevec.places import SPLITS, PlaceDataset, Split, draw_roles, split_photos
from placevec.progress import Progress, no_progress
from placevec.sources import SPLITS_FILE, find_reader, open_places, write_splits
from placevec.store.search.exact import nearest
from placevec.whole_file import require_writable

_log = logging.getLogger(__name__)
SPLITS_PICTURE = "splits.svg"  # not .png, which readers would take for a photo


@dataclass(frozen=True, eq=False)
class MadeSplit:
    """The result of `split`. As text, it is what the command line prints.

    Args:
        dataset: PlaceDataset. The whole data set.
        parts: Split. The split of each photo.
        roles: (N,) str. See `draw_roles`.
        name: str. `READER:PATH` that opens the data set.
    """

    dataset: PlaceDataset
    parts: Split
    roles: NDArray[np.str_]
    name: str

    def __str__(self) -> str:
        lines = []
        for name in SPLITS:
            rows = self.parts.rows(name)
            if len(rows):
                counts = [
                    (self.roles[rows] == role).sum() for role in ("query", "database", "both")
                ]
                words = zip(
                    counts, (("query", "queries"), ("database",) * 2, ("both",) * 2), strict=True
                )
                roles = ", ".join(counted(count, *word) for count, word in words if count)
                lines.append(f"{name}: {counted(len(rows), 'photo')} ({roles})")
        left_out = self.parts.left_out[self.parts.names == ""]
        for reason, count in zip(*np.unique(left_out, return_counts=True), strict=True):
            lines.append(f"left out: {counted(count, 'photo')} ({reason})")
        table = shown(self.dataset.root / SPLITS_FILE)
        return "\n".join([*lines, f"{table}: open a split as {shown(self.name)}#{SPLITS[0]}"])


def split(
    places: Path | str,
    *,
    by: SplitBy = SplitConfig.by,
    val_share: float = SplitConfig.val_share,
    test_share: float = SplitConfig.test_share,
    buffer_m: float = SplitConfig.buffer_m,
    query_share: float = SplitConfig.query_share,
    duplicate_bits: int | None = SplitConfig.duplicate_bits,
    model: Path | str | None = SplitConfig.model,
    max_similarity: float = SplitConfig.max_similarity,
    seed: int = SplitConfig.seed,
    skip_unreadable: bool = SplitConfig.skip_unreadable,
    overwrite: bool = SplitConfig.overwrite,
    progress: Progress = no_progress,
) -> MadeSplit:
    """Splits a data set into train, val and test, as `make_split` does.

    Args:
        places: READER:PATH, or a path that a reader recognizes.
        by: str. What is kept apart. See `SplitConfig`, as for the others.
        val_share: float. Share of the photos for val.
        test_share: float. Share of the photos for test.
        buffer_m: float. Minimum distance between photos of two splits, in metres.
        query_share: float. Share of the photos of val and test that become queries.
        duplicate_bits: int or None. Bits in which perceptual hashes of near-duplicates may differ.
        model: Path or None. Trained model that also compares photos of two splits.
        max_similarity: float. Largest similarity of the descriptors of two splits.
        seed: int. Seed of everything that is drawn at random.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        overwrite: bool. Replace an earlier split.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        MadeSplit. `print` shows the counts.

    Raises:
        FileNotFoundError: If the photos or the model are missing.
        OSError: As `make_split`, as for the others.
        ValueError: If the settings do not fit the photos.
    """
    settings = SplitConfig(
        by=by,
        val_share=val_share,
        test_share=test_share,
        buffer_m=buffer_m,
        query_share=query_share,
        duplicate_bits=duplicate_bits,
        model=None if model is None else Path(model),
        max_similarity=max_similarity,
        seed=seed,
        skip_unreadable=skip_unreadable,
        overwrite=overwrite,
    )
    reader, path = find_reader(str(places))
    if path.is_dir():
        _refuse_split_in(path, settings)  # Refuse before all photos are listed.
    dataset = open_places(str(places), skip_unreadable=skip_unreadable)
    _refuse_split_in(dataset.root, settings)
    opened = None
    if settings.model is not None:
        from placevec.models import open_engine

        opened = open_engine(settings.model)
    parts, roles = make_split(dataset, settings, opened, progress)
    return MadeSplit(dataset, parts, roles, f"{reader}:{path}")


def make_split(
    dataset: PlaceDataset,
    config: SplitConfig,
    model: Model | None = None,
    progress: Progress = no_progress,
) -> tuple[Split, NDArray[np.str_]]:
    """Splits photos. It writes `splits.csv` and, if positions are known, `splits.svg` beside them.

    Photos are split as in `split_photos`. Then a photo is left out if it equals a photo of another
    split or nearly does, by its bytes, by perceptual hash and, with a model, by descriptor. Of two
    such photos, the one in the smaller split is kept out. The same settings give the same split.

    Args:
        dataset: PlaceDataset.
        config: SplitConfig.
        model: keras.Model, any callable that `describe` takes, or None. It compares photos.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Split, and the roles of the photos as `draw_roles` returns them.

    Raises:
        OSError: If the folder of the photos is read-only.
        FileExistsError: If there is already a split and `config.overwrite` is not set.
        UnreadableImageError: If a photo cannot be read and `config.skip_unreadable` is not set.
        ValueError: If the settings do not fit the photos, or a split would be empty.
    """
    _refuse_split_in(dataset.root, config)
    split = split_photos(
        dataset,
        by=config.by,
        val_share=config.val_share,
        test_share=config.test_share,
        buffer_m=config.buffer_m,
        seed=config.seed,
    )
    there = [name for name in SPLITS if len(split.rows(name))]
    if config.duplicate_bits is not None:
        split = _without_duplicates(dataset, split, config, config.duplicate_bits, progress)
    if model is not None:
        split = _without_alike(dataset, split, config.max_similarity, model, progress)
    empty = [name for name in there if not len(split.rows(name))]
    if empty:
        raise ValueError(
            f"Each split must have photos that the others do not. Received: none left in "
            f"{' and '.join(empty)} of {dataset.root}. Lower `duplicate_bits`, or raise "
            "`max_similarity`"
        )
    roles = draw_roles(dataset, split, query_share=config.query_share, seed=config.seed)
    write_splits(dataset.root, dataset.names, split.names, roles, config.buffer_m)
    if dataset.positions_m is not None:
        draw_split(dataset, split, dataset.root / SPLITS_PICTURE)
    return split, roles


def _refuse_split_in(folder: Path, config: SplitConfig) -> None:
    """Refuses a folder that already has a split, or that cannot be written to."""
    if (folder / SPLITS_FILE).exists() and not config.overwrite:
        raise FileExistsError(
            f"{shown(folder)} has a split already ({SPLITS_FILE}). Replace it with `--overwrite`"
        )
    require_writable(folder / SPLITS_FILE, ".csv")


def _without_duplicates(
    dataset: PlaceDataset, split: Split, config: SplitConfig, max_bits: int, progress: Progress
) -> Split:
    """Leaves out photos that equal a photo of another split, byte for byte or nearly."""
    rows = np.flatnonzero(split.names != "")
    prints = list(_fingerprints(dataset, rows, config.skip_unreadable, progress))
    is_read = np.array([each is not None for each in prints])
    split = split.without(rows[~is_read], "unreadable")
    rows, prints = rows[is_read], [each for each in prints if each is not None]
    digests = {row: each.digest for row, each in zip(rows.tolist(), prints, strict=True)}
    # The largest split comes first, so that its photo is compared with all its copies.
    first: dict[bytes, int] = {}
    pairs = [
        (first.setdefault(digests[row], row), row)
        for name in split.by_size()[::-1]
        for row in split.rows(name).tolist()
    ]
    split = split.without_pairs(np.array(pairs), "duplicate")
    hashes = np.array([each.perceptual_hash for each in prints], dtype=np.uint64).reshape(-1, 8)
    alike = near_duplicates_across(hashes, split.sides()[rows], max_bits)
    return split.without_pairs(rows[alike], "near duplicate")


def _fingerprints(
    dataset: PlaceDataset, rows: NDArray[np.int64], skip: bool, progress: Progress
) -> Iterable[Fingerprint | None]:
    """Yields the fingerprint of each photo, or None for one that is unreadable and skipped."""

    def read(row: int) -> Fingerprint | None:
        try:
            return fingerprint(dataset.path(row))
        except (UnreadableImageError, OSError) as error:
            if not skip:
                raise
            _log.warning("%s: left out", error)
            return None

    prints = read_ahead(read, rows, num_workers=2, ahead=32)
    return progress(prints, total=len(rows), unit="photo", desc="compare")


def _without_alike(
    dataset: PlaceDataset,
    split: Split,
    max_similarity: float,
    model: Model,
    progress: Progress,
) -> Split:
    """Leaves out photos whose descriptors are close to those of a photo of a larger split."""
    rows = np.flatnonzero(split.names != "")
    descriptors, kept = describe(model, dataset.paths(rows), progress=progress)
    split = split.without(np.delete(rows, kept), "unreadable")
    place = np.full(len(dataset), -1)
    place[rows[kept]] = np.arange(len(kept))
    larger = np.empty(0, dtype=np.int64)
    for name in split.by_size()[::-1]:
        mine = split.rows(name)
        if len(mine) and len(larger):
            _, similarity = nearest(descriptors[place[larger]], descriptors[place[mine]], 1)
            split = split.without(mine[similarity[:, 0] > max_similarity], "similar")
        larger = np.concatenate([larger, split.rows(name)])
    return split
