"""Calls a model on photos and turns its errors into one line."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown

Output = TypeVar("Output")


def run_model(
    function: Callable[[NDArray[np.uint8]], Output], photos: NDArray[np.uint8], name: str
) -> Output:
    """Returns the output of a model for photos.

    Args:
        function: callable. It takes `photos`.
        photos: (B, H, W, C) uint8.
        name: str. Name of the library that runs the model, for the error.

    Raises:
        ValueError: If the library raises an error of its own, for example because a layer does not
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
