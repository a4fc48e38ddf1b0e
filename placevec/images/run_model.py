"""A model is called on photos, and its errors become one line."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown

Output = TypeVar("Output")


def run_model(
    function: Callable[[NDArray[np.uint8]], Output], photos: NDArray[np.uint8], name: str
) -> Output:
    """Returns what a model makes of photos.

    Args:
        function: callable. Takes `photos`.
        photos: (B, H, W, C) uint8.
        name: str. The library that runs the model, for the error.

    Raises:
        ValueError: If the library raises an error of its own, such as for a layer that does not
            take such numbers.
    """
    try:
        return function(photos)
    except (ValueError, OSError, MemoryError):
        raise
    except Exception as error:  # whatever a library raises
        reason = shown(" ".join(str(error).split()) or type(error).__name__)
        raise ValueError(
            f"{name} cannot run the model on photos of shape {photos.shape} ({reason}). "
            "Try a smaller batch, another `--image-size` or another model"
        ) from error
