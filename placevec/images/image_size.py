"""Finds the size of the photos that a model takes."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def image_size_of(
    model: Callable, *, usual: tuple[int, int], wanted: Sequence[int] | None = None
) -> tuple[int, int]:
    """Returns the rows and columns of the photos that a model describes.

    A fixed input shape comes first, then `wanted`, then the size that the model was trained on,
    then `usual`. `PixelScaling` keeps the training size. Earlier versions kept it in the name of
    the input, such as `photos_240x320`.

    Args:
        model: keras.Model, or any callable. If it has an attribute `image_size`, that is its size.
        usual: (int, int). The size if the model does not give any.
        wanted: (int, int) or None. The size that you ask for.

    Returns:
        (int, int).

    Raises:
        ValueError: If the input shape is fixed and `wanted` differs from it.

    Example:
    >>> import keras
    >>> photos = keras.Input((64, 96, 3))
    >>> image_size_of(keras.Model(photos, photos), usual=(240, 320))
    (64, 96)
    """
    if wanted is not None:
        refuse_other_size(fixed_size_of(model), wanted)
        rows, columns = wanted
        return rows, columns
    if not is_keras_model(model):
        rows, columns = getattr(model, "image_size", usual)
        return rows, columns
    rows, columns = _trained_size(model) or usual
    fixed_rows, fixed_columns = fixed_size_of(model)
    return fixed_rows or rows, fixed_columns or columns


def fixed_size_of(model: Callable) -> tuple[int | None, int | None]:
    """Returns the rows and columns of a model's input shape; None for a side that is open."""
    shape = model.inputs[0].shape if is_keras_model(model) and model.inputs else ()
    return tuple(shape[1:3]) if len(shape) == 4 else (None, None)


def is_keras_model(model: Callable) -> bool:
    """Returns whether it is a Keras model, without importing Keras: its owner has done that."""
    return "keras" in sys.modules and isinstance(model, sys.modules["keras"].Model)


def refuse_other_size(fixed: Sequence[int | None], wanted: Sequence[int]) -> None:
    """Refuses a size that a fixed input shape does not take.

    Raises:
        ValueError: If a side is fixed and `wanted` differs from it.
    """
    if any(side not in (None, given) for side, given in zip(fixed, wanted, strict=True)):
        takes = "x".join("any" if side is None else str(side) for side in fixed)
        raise ValueError(
            f"`image_size` must be that of the model's input, {takes}. Received: "
            f"image_size={tuple(wanted)}. Leave it out"
        )


def size_in_name(name: str) -> tuple[int, int] | None:
    """Returns the size in the name of an input of earlier versions, or None if there is none.

    Args:
        name: str. `photos_ROWSxCOLUMNS`, or any other name.

    Example:
    >>> size_in_name("photos_240x320"), size_in_name("photos")
    ((240, 320), None)
    """
    found = re.fullmatch(r"photos_([1-9]\d{0,4})x([1-9]\d{0,4})", name)
    return (int(found[1]), int(found[2])) if found else None


def _trained_size(model: "keras.Model") -> tuple[int, int] | None:
    for layer in model.layers:
        # By name, because this room lies below the layers and must not import them.
        if type(layer).__name__ == "PixelScaling" and layer.image_size is not None:
            return layer.image_size
    sizes = [size_in_name(each.name) for each in model.inputs or ()]
    return sizes[0] if sizes else None
