"""Self-distillation: computes the descriptors that a training must stay close to."""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval import describe


def start_descriptors(
    model: keras.Model,
    dataset: PlaceDataset,
    *,
    image_size: tuple[int, int],
    mirrored: bool = False,
    progress: Progress = no_progress,
    describe_photos: Callable[..., tuple[NDArray[np.floating], NDArray[np.int64]]] = describe,
) -> NDArray[np.float32]:
    """Describes all unchanged photos of a data set with the network before the first step.

    Args:
        model: keras.Model. The descriptor model.
        dataset: PlaceDataset.
        image_size: (int, int). Rows and columns that photos are resized to.
        mirrored: bool. Also describe each photo mirrored.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
        describe_photos: callable. Used instead of `placevec.describe`.

    Returns:
        `(1, N, D)` float32, or `(2, N, D)` with the mirrored photos. The descriptors of unreadable
        photos are zero.
    """
    held = np.zeros((1 + mirrored, len(dataset), model.output_shape[-1]), np.float32)
    for rows, change in zip(held, (None, _mirror), strict=False):
        descriptors, kept = describe_photos(
            model, dataset.paths(), image_size=image_size, change=change, progress=progress
        )
        rows[kept] = descriptors
    return held


def _mirror(photo: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
    return photo[:, ::-1]
