"""A saved model behind the library that runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from placevec.images import run_model


@dataclass(frozen=True, eq=False)
class Engine:
    """A function from raw photos to descriptors, and what a caller needs to know to feed it.

    It may be called by several threads at once. `retrieval.describe` takes it like a Keras model.

    Args:
        name: str. The library that runs the model, a key of `ENGINES`.
        precision: str. `"float32"`, `"bf16"` or `"int8"`.
        image_size: (int, int). Rows and columns of the photos that the model was trained on, or
            that were asked for.
        channels: int. 3 colour, 1 grey.
        batch_size: int. Photos in a call at which it is fastest.
        parallel_calls: int. Calls side by side at which it is fastest; 1 where one call takes all
            cores.
        descriptor_dim: int. `D`.
        model_id: str. What tells the model apart from others, see `model_id`.
        largest_difference: float or None. From Keras's float32 descriptors of check photos, the
            largest difference of a number. None: it is Keras.
        least_cosine: float or None. The least similarity to those descriptors.
        run: callable. `(B, H, W, C)` uint8 to `(B, D)` float32.

    Input shape:
        `(batch, height, width, C)`, uint8.

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
    run: Callable[[np.ndarray], np.ndarray] = field(repr=False)

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Returns the descriptors (B, D) of photos (B, H, W, C)."""
        photos = np.asarray(photos)
        if photos.ndim != 4 or photos.dtype != np.uint8 or photos.shape[-1] != self.channels:
            raise ValueError(
                f"An engine takes uint8 photos (batch, height, width, {self.channels}). "
                f"Received: {photos.dtype}, shape {photos.shape}"
            )
        return run_model(self.run, np.ascontiguousarray(photos), self.name)

    def cost(self) -> str:
        """Returns in words what engine and precision cost beside Keras in float32."""
        name = f"{self.name}, {self.precision}"
        if self.least_cosine is None:
            return name
        return (
            f"{name}: least cosine {self.least_cosine:.7f} to Keras in float32, numbers within "
            f"{self.largest_difference:.1e}"
        )
