"""A saved model and the library that runs it, as one function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.images import run_model
from placevec.models.describe import describe_in_batches, named
from placevec.models.engines.outputs import Outputs, descriptors_of
from placevec.models.photo_list import photo_list
from placevec.progress import Progress, no_progress

if TYPE_CHECKING:
    from placevec.models.photo_list import Photos


@dataclass(frozen=True, eq=False)
class Engine:
    """A function from raw photos to descriptors, with everything that its caller needs to know.

    `describe` takes photos in any form and of any size. A call of the engine only takes pixels of
    `image_size` and never resizes, because the way of resizing changes the descriptor. Several
    threads may call the engine at once.

    Args:
        name: str. The library that runs the model, a key of `ENGINES`.
        precision: str. `"float32"`, `"bf16"` or `"int8"`.
        image_size: (int, int). Rows and columns that were requested, or else those of the photos
            that the model was trained on.
        channels: int. 3 color, 1 gray.
        batch_size: int. Number of photos per call at which the engine is fastest.
        parallel_calls: int. Number of simultaneous calls at which the engine is fastest. 1 if one
            call uses all cores.
        descriptor_dim: int. `D`.
        model_id: str. Id of the model, see `model_id`.
        largest_difference: float or None. Largest difference of a dimension from Keras's float32
            descriptors of check photos. None: the engine is Keras in float32.
        least_cosine: float or None. Smallest similarity to those descriptors.
        run: callable. `(B, H, W, C)` uint8 to `(B, D)` float32; if it was opened with `features`,
            also to local features `(B, rows, columns, D')`.

    Input shape:
        `(batch, *image_size, C)`, uint8.

    Output shape:
        `(batch, D)`, float32, of unit L2 norm.

    Raises:
        ValueError: If photos are not uint8 of that shape, or the model cannot take them.
    """

    name: str
    precision: str
    image_size: tuple[int, int]
    channels: int
    batch_size: int
    parallel_calls: int
    descriptor_dim: int
    model_id: str
    largest_difference: float | None
    least_cosine: float | None
    run: Callable[[NDArray[np.uint8]], Outputs] = field(repr=False)

    def __call__(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the descriptors (B, D) of photos (B, H, W, C) of the model's size."""
        return descriptors_of(self._outputs(photos))

    def with_features(
        self, photos: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Returns descriptors and local features, in one pass.

        Args:
            photos: (B, H, W, C) uint8, of the model's size.

        Returns:
            (B, D) and (B, rows, columns, D') float32, both of unit L2 norm.

        Raises:
            ValueError: If the engine was not opened with `features`.
        """
        outputs = self._outputs(photos)
        if not isinstance(outputs, tuple):
            raise ValueError(
                "Local features need a model that was opened with `features=True`. Received: one "
                "opened without"
            )
        return outputs

    def _outputs(self, photos: NDArray[np.uint8]) -> Outputs:
        photos = np.asarray(photos)
        takes = (*self.image_size, self.channels)
        if photos.ndim != 4 or photos.dtype != np.uint8 or photos.shape[1:] != takes:
            raise ValueError(
                f"A call takes uint8 photos (batch, {', '.join(map(str, takes))}). Received: "
                f"{photos.dtype}, shape {photos.shape}. `describe` resizes photos; to take another "
                "size, open the model with `image_size`"
            )
        return run_model(self.run, np.ascontiguousarray(photos), self.name)

    def describe(
        self,
        photos: "Photos",
        *,
        root: Path | str | None = None,
        batch_size: int | None = None,
        progress: Progress = no_progress,
    ) -> NDArray[np.float32]:
        """Resizes photos to the model's size and describes them: one row per photo, in their order.

        Args:
            photos: Paths, arrays and PIL images, in any mix; `(N, H, W, C)` uint8; PlaceDataset;
                or DataFrame with the column `file`. An array is uint8, 0 to 255: `(H, W, 3)` RGB,
                or gray.
            root: Path or None. Folder that relative paths start from. None: the folder of the data
                set if `PlaceDataset.to_frame` made the table, else the current folder.
            batch_size: int or None. Photos in a batch. None: `self.batch_size`.
            progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

        Returns:
            `(N, D)` float32, of unit L2 norm.

        Raises:
            ValueError: If there are no photos, or one cannot be read or has another form.
        """
        listed, parts, kept = photo_list(photos, root), [], []
        for descriptors, places in describe_in_batches(
            self, listed, batch_size=batch_size, progress=progress
        ):
            parts.append(descriptors)
            kept.extend(places)
            if kept[-1] >= len(kept):  # a photo before the last one is missing
                break
        if len(kept) < len(listed):
            first = next(row for row, place in enumerate([*kept, -1]) if row != place)
            raise ValueError(
                "`describe` returns a row for each photo, so all must be readable. Received: "
                f"{named(listed, first)}, which is not. Leave it out, or call "
                "`placevec.describe(model, paths)`, which also returns which photos it could read"
            )
        return np.concatenate(parts)

    def cost(self) -> str:
        """Returns as text how much this engine and precision differ from Keras in float32."""
        name = f"{self.name}, {self.precision}"
        if self.least_cosine is None:
            return name
        return (
            f"{name}: least cosine {self.least_cosine:.7f} to Keras in float32, numbers within "
            f"{self.largest_difference:.1e}"
        )
