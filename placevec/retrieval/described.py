"""Opens a model and describes the photos of a data set, as most verbs do first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import Engine as EngineName
from placevec.models.describe import Model, describe
from placevec.models.files.model_file import model_path
from placevec.models.files.shipped import shipped_model_id
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.reranking.local_features import describe_with_features, require_features
from placevec.store.store import DescriptorStore


@dataclass(frozen=True, eq=False)
class DescribedPhotos:
    """The readable photos of a data set, with their descriptors.

    Args:
        dataset: PlaceDataset. N photos.
        descriptors: (N, D) float32, of unit L2 norm.
        maps: (N, h, w, D') float16 or None. Local features, if they were requested.
    """

    dataset: PlaceDataset
    descriptors: NDArray[np.float32]
    maps: NDArray[np.float16] | None


def open_model(
    model: Model | Path | str | None,
    *,
    engine: EngineName,
    image_size: tuple[int, int] | None,
    features: bool = False,
) -> Model:
    """Opens a model, unless it is already open.

    Args:
        model: Path or str. A model's file or name; or an open model: an Engine, or any callable
            from `(B, H, W, C)` uint8 to `(B, D)`. None: the default network.
        engine: str. The engine that runs the model, if it is a file.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        features: bool. Whether the model must return local features.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is not a model, or the model cannot return local features.
    """
    if not callable(model):
        from placevec.models import open_engine

        model = open_engine(
            model_path(model), engine=engine, image_size=image_size, features=features
        )
    if features:
        require_features(model)
    return model


def require_same_network(store: DescriptorStore, model_path: Path) -> None:
    """Refuses a network that ships with placevec before it is opened, if another one described.

    Args:
        store: DescriptorStore.
        model_path: Path. The file of a model. What another file holds is known once it is opened.

    Raises:
        ValueError: If the store is of another model.
    """
    known = shipped_model_id(model_path)
    if known is not None and known != store.manifest.model_id.partition("-")[0]:  # "-int8-..."
        store.require(model_id=known)


def describe_dataset(
    model: Model,
    dataset: PlaceDataset,
    *,
    image_size: tuple[int, int] | None,
    batch_size: int | None,
    features: bool = False,
    progress: Progress = no_progress,
) -> DescribedPhotos:
    """Describes the photos of a data set. Reports photos that it cannot read, and leaves them out.

    Args:
        model: The result of `open_model`.
        dataset: PlaceDataset.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        features: bool. Also compute local features, which are kept in a temporary file.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Raises:
        ValueError: If no photo can be read, or as `describe`.
    """
    work: Any = describe_with_features if features else describe
    descriptors, *maps, kept = work(
        model, dataset.paths(), image_size=image_size, batch_size=batch_size, progress=progress
    )
    return DescribedPhotos(dataset.take(kept), descriptors, maps[0] if maps else None)
