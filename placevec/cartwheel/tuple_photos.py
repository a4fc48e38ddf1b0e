"""Draws tuples of photos one at a time, and augments tuples that are in memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import TupleConfig
from placevec.counted import counted
from placevec.images import augmenter
from placevec.places import PlaceDataset, TupleSampler

Draw = Callable[[int, int, np.random.Generator], Sequence[Any]]
Read = Callable[..., NDArray[np.uint8]]


class TuplePhotos:
    """Draws tuples and reads their photos, one tuple per step.

    Args:
        draw: callable `(num_positives, num_negatives, rng) -> items`: the item of the query, then
            those of the positives, then those of the negatives.
        read: callable `(item, image_size=, channels=) -> photo`, (H, W, channels) uint8.
        seed: int. Seed of the draws and of the augmentation.
    """

    def __init__(self, draw: Draw, read: Read, *, seed: int):
        self.rng = np.random.default_rng(seed)
        self._draw = draw
        self._read = read

    def step(
        self,
        num_positives: int,
        num_negatives: int,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int = 3,
        augmentation: str = "none",
    ) -> NDArray[np.float32]:
        """Returns the photos of the next tuple.

        Args:
            num_positives: int. `P`.
            num_negatives: int. `Nn`.
            image_size: `(rows, cols)` or None. None: the size of the files.
            channels: int. `3` for RGB, `1` for gray.
            augmentation: str or callable. See `augmenter`.

        Returns:
            (1 + P + Nn, H, W, channels) float32 with whole values 0 to 255: query, positives,
            negatives.

        Raises:
            UnreadableImageError: If a photo cannot be read.
            ValueError: If the photos differ in size and no `image_size` is given.
        """
        return self.read(
            self._draw(num_positives, num_negatives, self.rng),
            image_size=image_size,
            channels=channels,
            augmentation=augmentation,
        )

    def read(
        self,
        items: Sequence[Any],
        *,
        image_size: tuple[int, int] | None = None,
        channels: int = 3,
        augmentation: str = "none",
    ) -> NDArray[np.float32]:
        """Returns the photos of some items, as `step` does."""
        change = augmenter(augmentation)
        photos = [
            change(self._read(item, image_size=image_size, channels=channels), self.rng)
            for item in items
        ]
        sizes = {photo.shape[:2] for photo in photos}
        if len(sizes) > 1:
            raise ValueError(
                f"The photos of a tuple must be of one size. Received: {sorted(sizes)} (rows, "
                "columns). Give the `image_size` to resize them to"
            )
        return np.stack(photos).astype(np.float32)


def draw_places(
    views: PlaceDataset,
    *,
    places: PlaceDataset | None = None,
    positive_radius_m: float = 10.0,
    negative_radius_m: float = 25.0,
    max_heading_difference_deg: float | None = None,
) -> Draw:
    """Makes the function that draws tuples of a data set.

    Args:
        views: PlaceDataset. It says which photos are positives of each other.
        places: PlaceDataset or None. The same photos with other knowledge, which says which are
            negatives. None: `views` says so, too.
        positive_radius_m: float. Largest distance of a positive, in metres.
        negative_radius_m: float. Negatives lie farther away than this, in metres.
        max_heading_difference_deg: float or None. See `TupleSampler`.

    Returns:
        `draw` of `TuplePhotos`; its items are rows of the data set. All queries that have a
        positive are equally likely.
    """
    samplers: dict[tuple[int, int], tuple[TupleSampler, TupleSampler | None]] = {}
    radii: dict[str, Any] = {
        "positive_radius_m": positive_radius_m,
        "negative_radius_m": negative_radius_m,
    }

    def draw(num_positives: int, num_negatives: int, rng: np.random.Generator) -> list[int]:
        counts = (num_positives, num_negatives)
        if counts not in samplers:
            near = TupleSampler(
                views,
                **vars(
                    TupleConfig(
                        num_positives=num_positives,
                        num_negatives=num_negatives if places is None else 0,
                        max_heading_difference_deg=max_heading_difference_deg,
                        **radii,
                    )
                ),
            )
            far = None
            if places is not None:
                far = TupleSampler(
                    places,
                    **vars(TupleConfig(num_positives=1, num_negatives=num_negatives, **radii)),
                )
            samplers[counts] = (near, far)
        near, far = samplers[counts]
        query, positives, negatives = near.draw(rng.choice(near.queries), rng)
        if far is not None:
            negatives = far.draw_negatives(query, num_negatives, rng)
        return [query, *positives, *negatives]

    return draw


def draw_frames(counts: NDArray[np.integer], *, radius: int) -> Draw:
    """Makes the function that draws tuples of frames of videos.

    Positives lie within the radius of the query in the same video. Negatives lie beyond it, or in
    another video. All are equally likely. None is drawn twice, unless there are too few positives.

    Args:
        counts: (V,) int. Number of frames of each video.
        radius: int. Largest distance of a positive, in frames.

    Returns:
        `draw` of `TuplePhotos`; its items are `(video, frame)`. It raises ValueError if a query
        has no positive or too few negatives.
    """
    ends = np.cumsum(counts)  # Frames are numbered across all videos.
    starts = ends - counts

    def draw(num_positives: int, num_negatives: int, rng: np.random.Generator) -> list:
        query = int(rng.integers(ends[-1]))
        video = int(np.searchsorted(ends, query, side="right"))
        first, stop = max(query - radius, starts[video]), min(query + radius + 1, ends[video])
        near = np.setdiff1d(np.arange(first, stop), [query])
        available = int(ends[-1] - (stop - first))
        if not len(near) or available < num_negatives:
            raise ValueError(
                f"Frame {query - starts[video]} of video {video} has "
                f"{counted(len(near), 'positive')} within {counted(radius, 'frame')} and "
                f"{available} of {counted(num_negatives, 'negative')} beyond. Add longer videos"
            )
        rounds = -(-num_positives // len(near))
        positives = np.concatenate([rng.permutation(near) for _ in range(rounds)])[:num_positives]
        far = rng.choice(available, size=num_negatives, replace=False)
        far += np.where(far >= first, stop - first, 0)
        items = np.array([query, *positives, *far], dtype=np.int64)
        videos = np.searchsorted(ends, items, side="right")
        return [(int(v), int(i - starts[v])) for v, i in zip(videos, items, strict=True)]

    return draw


def augment_tuples(
    tuples: NDArray[np.floating | np.uint8],
    presets: Sequence[str],
    *,
    keep_geometry: bool = True,
    seed: int | None = None,
) -> NDArray[np.floating | np.uint8]:
    """Augments tuples of photos, once for each preset.

    Args:
        tuples: (N, T, H, W, C) float or uint8. Photos with values 0 to 255, C = 1 or 3.
        presets: sequence of str. See `augmenter`; `"none"` for the photos as they are.
        keep_geometry: bool. See `augmenter`. Defaults to `True`.
        seed: int or None. Seed of everything that is drawn. None: a new one each time.

    Returns:
        (len(presets) * N, T, H, W, C) of the same dtype: all tuples augmented by the first preset,
        then all by the second, and so on.

    Raises:
        ValueError: If the shape or the values are not as above.
    """
    tuples = np.asarray(tuples)
    if tuples.ndim != 5 or not tuples.size:
        raise ValueError(
            "Tuples of photos must have the shape (N, 1 + nP + nN, H, W, C). "
            f"Received: shape {tuples.shape}"
        )
    least, most = float(tuples.min()), float(tuples.max())
    if not (least >= 0 and most <= 255):
        raise ValueError(
            "Photos to augment must have values 0 to 255. Received: values from "
            f"{least:g} to {most:g}. Augment before the photos are scaled"
        )
    rng = np.random.default_rng(seed)
    count = len(tuples)
    augmented = np.empty((len(presets) * count, *tuples.shape[1:]), tuples.dtype)
    for place, preset in enumerate(presets):
        change = augmenter(preset, keep_geometry=keep_geometry)
        for index in np.ndindex(tuples.shape[:2]):
            photo = tuples[index]
            if preset != "none":
                photo = change(np.rint(photo).astype(np.uint8), rng)
            augmented[place * count + index[0], index[1]] = photo
    return augmented
