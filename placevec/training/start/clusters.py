"""Initializes NetVLAD's clusters from the training photos, before the first step."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import StartConfig
from placevec.counted import counted
from placevec.images import UnreadableImageError, read_ahead, read_image
from placevec.layers import NetVLAD, initialize_clusters
from placevec.models import without_xla
from placevec.sources.benchmarks.mat_file import read_mat

_log = logging.getLogger(__name__)
_NUM_PHOTOS = 500
_FEATURES_A_PHOTO = 100


def clusters_from_photos(
    model: keras.Model,
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int],
    seed: int,
    skip_unreadable: bool = False,
    variant: str = StartConfig.assignment,
    ratio: float = StartConfig.assignment_ratio,
    centers: NDArray[np.floating] | None = None,
) -> None:
    """Writes k-means clusters of local features into a model's NetVLAD layer.

    As in NetVLAD's paper, k-means uses 100 random local features of each of 500 random photos.

    Args:
        model: keras.Model. A descriptor model with NetVLAD, changed in place. A model with another
            aggregator stays unchanged.
        paths: sequence of Path. Photos to choose from.
        image_size: (int, int). Rows and columns that photos are resized to.
        seed: int. Seed of the random choice and of k-means.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        variant: str. `"v1"` or `"v2"`, see `placevec.layers.assignment_weights`.
        ratio: float. How sharp the assignment is, see there.
        centers: (K, D) float or None. Centers to use instead of those of k-means.

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247).
    """
    aggregator = next((layer for layer in model.layers if isinstance(layer, NetVLAD)), None)
    if aggregator is None:
        return
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(paths))[:_NUM_PHOTOS]
    photos = read_photos(
        [paths[i] for i in drawn],
        image_size=image_size,
        channels=model.input_shape[-1],
        skip_unreadable=skip_unreadable,
    )
    backbone = without_xla(keras.Model(model.input, aggregator.input))
    features = _local_features(backbone, photos, rng)
    initialize_clusters(
        aggregator, features, seed=seed, variant=variant, ratio=ratio, centers=centers
    )
    _log.info(
        "%s from %s of %s in %.1f s", counted(aggregator.num_clusters, "cluster"),
        counted(len(features), "local feature"), counted(len(drawn), "photo"),
        time.perf_counter() - start,
    )  # fmt: skip


def read_centers(path: Path) -> NDArray[np.float32]:
    """Reads cluster centers from a file in the format of NetVLAD's authors.

    Args:
        path: Path. A `.mat` file with the array `clsts`, `(D, K)`.

    Returns:
        (K, D) float32.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file has another format or is damaged.
    """
    path = Path(path)
    centers = read_mat(path, "clsts")
    if centers is None:
        raise ValueError(
            f"{path} must hold the cluster centers `clsts`. Received: no such variable"
        )
    if centers.ndim != 2 or centers.dtype.kind != "f" or not np.isfinite(centers).all():
        raise ValueError(f"`clsts` in {path} must be finite numbers (D, K). Received: others")
    return np.ascontiguousarray(centers.T, np.float32)


def read_photos(
    paths: Sequence[Path], *, image_size: tuple[int, int], channels: int, skip_unreadable: bool
) -> Iterator[NDArray[np.uint8]]:
    """Yields photos (H, W, C) uint8 in order, optionally without those that cannot be read.

    Raises:
        UnreadableImageError: If a photo cannot be read and `skip_unreadable` is false.
    """

    def read(path: Path) -> NDArray[np.uint8] | None:
        try:
            return read_image(path, image_size=image_size, channels=channels)
        except (UnreadableImageError, OSError) as error:
            if not skip_unreadable:
                raise
            _log.warning("%s; this photo is left out", error)
            return None

    photos = read_ahead(read, paths, num_workers=2, ahead=8)
    return (photo for photo in photos if photo is not None)


def _local_features(
    backbone: keras.Model, photos: Iterable[NDArray[np.uint8]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Returns some local features of each photo, (n, D) float32."""
    drawn = []
    for photo in photos:
        grid = keras.ops.convert_to_numpy(backbone.predict_on_batch(photo[None]))
        cells = grid.reshape(-1, grid.shape[-1])  # (H * W, D)
        drawn.append(cells[rng.permutation(len(cells))[:_FEATURES_A_PHOTO]])
    if not drawn:
        raise ValueError("None of the photos for the clusters can be read")
    return np.concatenate(drawn).astype(np.float32)
