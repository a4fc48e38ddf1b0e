"""Turns a photo into another photo of the same place."""

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import AUGMENTATIONS, choose
from placevec.images.augmentation.imgaug_presets import IMGAUG_PRESETS, augment_with_imgaug

Augmenter = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]


def augmenter(preset: str | Augmenter | Any, *, keep_geometry: bool = True) -> Augmenter:
    """Returns the function that augments one photo.

    `street` and `light` are made for place recognition (see `Street`). `light` shows another hour,
    half of the time at night, and keeps every pixel in its place. `basic`, `typical` and `heavy`
    are the presets of the old scripts (see `augment_with_imgaug`) and need imgaug. `none` returns
    the photo unchanged. The result depends only on the photo and the state of the generator: no
    global random state is read or changed. Several threads may call the function.

    A Keras layer, or a model of layers, receives the photo as a float32 batch of one with values 0
    to 255 and `training=True`. Its output is rounded and clipped to uint8. For each photo, all of
    its Keras seed generators are set from `rng`, so that the result can be repeated as far as the
    backend allows. Only one call runs at a time. A layer that uses another source of random numbers
    cannot be repeated. A layer must be picklable to be sent to other processes.

    Args:
        preset: str, callable or Keras layer. A key of `AUGMENTATIONS` of
            `placevec.config.choices`, or any function `(image, rng) -> image`.
        keep_geometry: bool. Whether to leave flips and turns of more than 5 degrees out of the old
            presets, because they turn a photo into one of another place. Defaults to `True`;
            `False` is what the old scripts did. The other presets never flip or turn that much.

    Returns:
        Callable `(image, rng) -> image`: takes (H, W, C) uint8 and `np.random.Generator`, returns
        (H, W, C) uint8. Presets need C = 1 or 3. The given photo is not changed. It raises
        `ValueError` if a photo, or the result of a callable, does not have this form.

    Raises:
        ValueError: If `preset` is not a known name, callable or layer.

    Example:

    >>> street = augmenter("street")
    >>> photo = np.full((240, 320, 3), 128, np.uint8)
    >>> street(photo, photo_rng(seed=0, epoch=3, index=17)).shape
    (240, 320, 3)
    """
    if isinstance(preset, str):
        return functools.partial(_augment_checked, _named(preset, keep_geometry), preset, True)
    name = getattr(preset, "name", None) or getattr(preset, "__name__", type(preset).__name__)
    if _is_keras_layer(preset):
        augment: Augmenter = _KerasLayer(preset)
    elif callable(preset):
        augment = cast(Augmenter, preset)
    else:
        raise ValueError(
            f"An augmentation must be one of {', '.join(AUGMENTATIONS)}, a callable "
            f"(image, rng) -> image, or a Keras layer. Received: {preset!r}"
        )
    return functools.partial(_augment_checked, augment, str(name), False)


def photo_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Returns the random generator of one photo in one epoch.

    It depends neither on the worker that asks nor on earlier calls.

    Args:
        seed: int, not negative. Seed of the run.
        epoch: int, not negative.
        index: int, not negative. Number of the photo in the epoch.

    Returns:
        A new np.random.Generator.

    Raises:
        ValueError: If a number is negative.
    """
    if min(seed, epoch, index) < 0:
        raise ValueError(
            "`seed`, `epoch` and `index` must not be negative. "
            f"Received: seed={seed}, epoch={epoch}, index={index}"
        )
    return np.random.default_rng((seed, epoch, index))


def _named(preset: str, keep_geometry: bool) -> Augmenter:
    if preset == "none":
        return _unchanged
    row = choose(AUGMENTATIONS, preset, "augmentation")
    if preset in IMGAUG_PRESETS:
        return functools.partial(augment_with_imgaug, preset=preset, keep_geometry=keep_geometry)
    return row.find()(**row.constants)


def _unchanged(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return image


def _augment_checked(
    augment: Augmenter,
    name: str,
    is_preset: bool,
    image: NDArray[np.uint8],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    _check_photo(image, "A photo to augment")
    if is_preset and image.shape[2] not in (1, 3):
        raise ValueError(
            f"The preset {name!r} augments photos of 1 or 3 channels. Received: shape {image.shape}"
        )
    augmented = augment(image, rng)
    _check_photo(augmented, f"What the augmentation {name!r} returns")
    if augmented.shape != image.shape:
        raise ValueError(
            f"The augmentation {name!r} must keep the shape {image.shape}. "
            f"Received: shape {augmented.shape}"
        )
    return augmented


def _check_photo(image: Any, what: str) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3:
        form = (
            f"{image.dtype} of shape {image.shape}"
            if isinstance(image, np.ndarray)
            else type(image).__name__
        )
        raise ValueError(f"{what} must be a NumPy array (H, W, C) of uint8. Received: {form}")
    if image.size == 0:
        raise ValueError(f"{what} must hold pixels. Received: shape {image.shape}")


def _is_keras_layer(candidate: Any) -> bool:
    """Returns whether this is a Keras layer, without importing Keras: its owner has done that."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(candidate, keras.layers.Layer)


class _KerasLayer:
    """A Keras layer as a function of one photo and a generator."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.lock = threading.Lock()

    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        import keras

        pixels = image[None].astype(np.float32)  # (1, H, W, C)
        with self.lock:
            if not self.layer.built:
                # An unbuilt model does not list its seeds. Zeros, as some layers work in place.
                self.layer(np.zeros_like(pixels), training=True)
            for variable in self.layer.variables:
                if variable.path.endswith("seed_generator_state"):
                    variable.assign(np.array([rng.integers(2**31 - 1), 0], dtype=np.uint32))
            augmented = self.layer(pixels, training=True)
        pixels = keras.ops.convert_to_numpy(augmented)[0].astype(np.float32)
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)

    def __getstate__(self) -> dict:
        return {"layer": self.layer}

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["layer"])
