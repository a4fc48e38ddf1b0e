"""Shows where each cluster of a NetVLAD network looks, in both photos of a pair."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.config import TrainConfig
from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.foreign import is_foreign
from placevec.images import UnreadableImageError, image_size_of, read_image
from placevec.models.files.model_file import model_path
from placevec.pages.page import Photo, Section
from placevec.pages.thumbnail import to_jpeg_base64

if TYPE_CHECKING:
    import keras

_MOST_CLUSTERS = 19
_SHORTER_SIDE_PX = 90
_DARKEST = 0.15  # brightness of a photo where a cluster does not look


@dataclass(frozen=True, kw_only=True)
class ClusterMaps:
    """Settings and functions to show where clusters look.

    Args:
        assign: callable or None. Computes from photos `(B, H, W, C)` uint8 their soft assignment
            `(B, rows, columns, K)`, as `soft_assignment` does. None: there are no clusters.
        image_size: (int, int). Rows and columns of the photos.
        channels: int. 3 or 1.
        count: int. Number of photo pairs to show.
        why_not: str. The reason if there are no clusters.
    """

    assign: Callable[[NDArray[np.uint8]], NDArray[np.float32]] | None = None
    image_size: tuple[int, int] = TrainConfig.image_size
    channels: int = 3
    count: int = 0
    why_not: str = ""

    @classmethod
    def of(
        cls, model: object, count: int, image_size: tuple[int, int] | None
    ) -> "ClusterMaps | None":
        """Returns the cluster maps of a model, or the reason if it has no NetVLAD layer.

        Args:
            model: As `evaluate` takes it.
            count: int. Number of photo pairs to show. 0: returns None.
            image_size: (int, int) or None. Rows and columns that photos are resized to.
        """
        if not count:
            return None
        if model is None or isinstance(model, Path | str):
            path = model_path(model)
            if is_foreign(path):
                return cls(why_not="Descriptors of other programs have no clusters to show.")
            from placevec.models import load_model

            model = load_model(path)
        if not hasattr(model, "layers"):
            return cls(why_not=f"There are no clusters to show of a {type(model).__name__}.")
        network = cast("keras.Model", model)
        from placevec.models.features import soft_assignment

        try:
            assign = soft_assignment(network)
        except ValueError as error:
            return cls(why_not=f"There are no clusters to show. {error}.")
        size = image_size_of(network, usual=TrainConfig.image_size, wanted=image_size)
        channels = network.inputs[0].shape[-1]
        return cls(assign=assign, image_size=size, channels=channels, count=count)


def clusters_section(
    maps: ClusterMaps | None, evaluation: Evaluation, queries: Iterable[int]
) -> Section:
    """Returns a section that shows where each cluster looks in queries and their first answers.

    Args:
        maps: ClusterMaps or None. None: nobody asked for it.
        evaluation: Evaluation.
        queries: iterable of int. Queries to show. Those with unreadable photos are left out.
    """
    title, dataset = "Where each cluster looks", evaluation.dataset
    if maps is None:
        return Section(title, ["`--cluster-maps 3` shows it for three pairs of photos."])
    if maps.assign is None:
        return Section(title, [maps.why_not])
    strips = []
    for query in queries:
        row = evaluation.neighbors[query, 0]
        if len(strips) == maps.count:
            break
        if row < 0:
            continue
        pair = [dataset.queries[query], dataset.database[row]]
        if photos := _read(dataset.paths(np.array(pair)), maps):
            strips.append(_strip(photos, maps.assign, dataset.names[pair].tolist()))
    note = (
        "Each column shows a query above its first answer. The first column shows the photos. "
        "Each of the others shows one cluster: the photos are bright where their local features "
        "belong to it. The figures are its share of the query and of the answer. Clusters with a "
        f"large share of both photos come first; at most {_MOST_CLUSTERS} are shown."
    )
    return Section(title, [note], strips=strips)


def _read(paths: list[Path], maps: ClusterMaps) -> list[NDArray[np.uint8]]:
    """Returns the photos in the form that the model takes, or none if one cannot be read."""
    how = {"image_size": maps.image_size, "channels": maps.channels}
    try:
        return [read_image(path, **how) for path in paths]
    except (UnreadableImageError, OSError):
        return []


def _strip(
    photos: list[NDArray[np.uint8]],
    assign: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    names: list[str],
) -> list[Photo]:
    """Returns a pair of photos, then one picture of both for each cluster."""
    assignment = assign(np.stack(photos))  # (2, rows, columns, K)
    shares = assignment.mean(axis=(1, 2))  # (2, K)
    rows, columns = photos[0].shape[:2]
    scale = _SHORTER_SIDE_PX / min(rows, columns)
    size = (round(columns * scale), round(rows * scale))
    small = [_shrunk(photo, size) for photo in photos]
    strip = [Photo(to_jpeg_base64(np.concatenate(small)), " and ".join(names))]
    for cluster in np.argsort(-shares.min(axis=0), kind="stable")[:_MOST_CLUSTERS].tolist():
        lit = [
            photo * (_DARKEST + (1 - _DARKEST) * cv2.resize(each[..., cluster], size)[..., None])
            for photo, each in zip(small, assignment, strict=True)
        ]
        of_query, of_answer = 100 * shares[:, cluster]
        caption = f"cluster {cluster}: {of_query:.0f} %, {of_answer:.0f} %"
        strip.append(Photo(to_jpeg_base64(np.concatenate(lit).astype(np.uint8)), caption))
    return strip


def _shrunk(photo: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns a photo in color, with a given width and height in pixels."""
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small if small.ndim == 3 else np.stack([small] * 3, axis=-1)
