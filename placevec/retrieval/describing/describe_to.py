"""Describes photos to a file or a store, as `placevec describe` does."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placevec.config import DescribeConfig, Precision
from placevec.config import Engine as EngineName
from placevec.config.choices import Dtype
from placevec.counted import counted
from placevec.input_file import shown
from placevec.models.describe import describe, features_in_batches
from placevec.models.files.model_file import closed_model, model_path, refuse_several
from placevec.places import PlaceDataset
from placevec.process.workers import num_cores
from placevec.progress import Progress, no_progress
from placevec.retrieval.describing.describe_by_ray import describe_by_ray
from placevec.retrieval.describing.describe_store import (
    describe_into,
    frame_of,
    keeps_features,
    open_for,
    require_store_takes,
)
from placevec.sources.photos import by_position, has_positions_beside, open_photos
from placevec.sources.values.in_zone import in_zone_of
from placevec.store import save_descriptors
from placevec.whole_file import require_free_file, require_new_folder, require_writable

if TYPE_CHECKING:
    from placevec.models import Engine

_log = logging.getLogger(__name__)
_FILE = ".npz"


@dataclass(frozen=True)
class Described:
    """The result of `describe_to`. Its text is a sentence for people.

    Args:
        out: Path. The file or the store.
        num_descriptors: int. Number of descriptors in it.
        num_added: int. Number of new descriptors.
        descriptor_dim: int. `D`.
        engine: Engine. The engine that described the photos.
        feature_bytes: int. Size of the kept local features of each photo.
    """

    out: Path
    num_descriptors: int
    num_added: int
    descriptor_dim: int
    engine: "Engine"
    feature_bytes: int = 0

    def __str__(self) -> str:
        new = "" if self.out.suffix == _FILE else f", {self.num_added} of them new"
        kept = f", each with {self.feature_bytes:,} bytes of local features"
        kept = kept if self.feature_bytes else ""
        size = "x".join(map(str, self.engine.image_size))
        return (
            f"{counted(self.num_descriptors, 'descriptor')} of "
            f"{counted(self.descriptor_dim, 'dimension')} in {self.out}{new}{kept}, photos resized "
            f"to {size}; {self.engine.cost()}"
        )


def describe_to(
    out: Path | str,
    photos: PlaceDataset | Path | str,
    model: Path | str | None = DescribeConfig.model,
    *,
    overwrite: bool = DescribeConfig.overwrite,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int | None = DescribeConfig.batch_size,
    engine: EngineName = DescribeConfig.engine,
    precision: Precision = DescribeConfig.precision,
    dtype: Dtype | None = DescribeConfig.dtype,
    keep_features: bool = DescribeConfig.keep_features,
    ray_workers: int = DescribeConfig.ray_workers,
    progress: Progress = no_progress,
) -> Described:
    """Writes the descriptors of photos to a file, or to a store that grows.

    A store also keeps positions and times, if READER:PATH has them. For a folder of photos,
    placevec finds them in the names, in a table or in EXIF data.

    Args:
        out: Path. A file that ends in `.npz`, which `load_descriptors` reads; or a folder that
            becomes a store, which `DescriptorStore` opens and `search` searches.
        photos: PlaceDataset, Path or str. A photo, a folder of photos, or READER:PATH.
        model: Path. A `.keras` file of this project, or an old `.h5` file.
        overwrite: bool. Replace an earlier `.npz` file at `out`.
        image_size: See `DescribeConfig`, also for the other arguments.
        batch_size: int or None. Photos in a batch.
        engine: str. The engine that runs the model.
        precision: str. Precision that the model computes in.
        dtype: str or None. Data type of the descriptors in a store.
        keep_features: bool. Also keep local features in the store.
        ray_workers: int. Number of Ray processes that describe for a store.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        Described.

    Raises:
        FileExistsError: If `out` is a file that exists, and `overwrite` is not set.
        FileNotFoundError: If the photos, the model or the folder of `out` are missing.
        ValueError: If no photo can be read, a setting is out of range, or the store has another
            model, precision, data type, photo size, folder or frame.
    """
    settings = DescribeConfig(
        model=None if model is None else closed_model(model),
        image_size=image_size,
        batch_size=batch_size,
        engine=engine,
        precision=precision,
        out=Path(out),
        overwrite=overwrite,
        dtype=dtype,
        keep_features=keep_features,
        ray_workers=ray_workers,
    )
    _require_place(settings.out, overwrite=overwrite)
    model = model_path(settings.model)
    refuse_several(model)
    is_folder = isinstance(photos, Path | str) and Path(photos).expanduser().is_dir()
    photos = open_photos(photos)
    from placevec.models import open_engine  # imported late, because the checks above need no Keras

    with_features = False
    if settings.out.suffix != _FILE:
        with_features = keeps_features(settings.out, keep_features)
        if with_features and ray_workers:
            raise ValueError(
                f"`ray_workers` cannot keep local features. Received: {settings.out}, which "
                "keeps them. Describe without `--ray-workers`, or into another store"
            )
        facts = {"precision": precision, "dtype": dtype, "image_size": settings.image_size}
        require_store_takes(settings.out, model, **facts)
    open_it = functools.partial(
        open_engine,
        model.absolute(),  # because workers may run in another folder
        precision=precision,
        image_size=settings.image_size,
        features=with_features,
    )
    paths = photos.paths()
    opened = open_it(engine=engine, calibration=paths if precision == "int8" else [])
    if settings.out.suffix == _FILE:
        descriptors, kept = describe(opened, paths, batch_size=batch_size, progress=progress)
        save_descriptors(settings.out, photos.names[kept], descriptors, opened.model_id)
        return Described(settings.out, len(kept), len(kept), descriptors.shape[1], opened)
    how: dict[str, Any] = _how_to_describe(settings, opened, open_it)
    if with_features:
        how["describe"] = features_in_batches
    parts = _with_positions(photos, settings.out, is_folder=is_folder)
    with open_for(
        settings.out,
        opened.model_id,
        dtype,
        opened.image_size,
        parts[0],
        precision,
        model,
    ) as store:
        added = sum(
            describe_into(
                store,
                photos=part,
                image_size=opened.image_size,
                progress=progress,
                **how,
            )
            for part in parts
        )
        dim, feature_bytes = store.manifest.dim or 0, store.manifest.feature_bytes
        return Described(settings.out, len(store), added, dim, opened, feature_bytes)


def _with_positions(photos: PlaceDataset, store: Path, *, is_folder: bool) -> list[PlaceDataset]:
    """Returns photos as a store keeps them: a folder gets the positions found beside its photos."""
    frame = frame_of(store)
    if not is_folder:
        return [in_zone_of(frame, photos)]
    if frame != "":
        return by_position(photos, frame)
    if has_positions_beside(photos.root):
        _log.warning(
            "%s has no positions, so the positions of these photos are left out. Describe the "
            "photos into a new store to keep them",
            shown(store),
        )
    return [photos]


def _how_to_describe(
    settings: DescribeConfig, opened: "Engine", open_it: Callable[..., "Engine"]
) -> dict:
    """Returns the function for `describe_into`, which describes in this process or with Ray."""
    if not settings.ray_workers:
        return {"model": opened, "batch_size": settings.batch_size}
    # Workers open the same model as this process, and share the cores.
    threads = max(1, num_cores() // settings.ray_workers)
    return {
        "model": functools.partial(open_it, engine=opened.name, threads=threads),
        "batch_size": settings.batch_size or opened.batch_size,
        "describe": functools.partial(describe_by_ray, num_workers=settings.ray_workers),
    }


def _require_place(out: Path, *, overwrite: bool) -> None:
    """Refuses a file or a store that cannot be written, before the long work."""
    if out.suffix == _FILE or (out.suffix and not out.is_dir()):
        require_writable(out, _FILE)
        require_free_file(out, overwrite=overwrite)
    else:
        require_new_folder(out)
