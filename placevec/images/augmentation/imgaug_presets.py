"""The augmentations of the old scripts, by name, made with imgaug."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import AUGMENTATIONS
from placevec.images.augmentation.imgaug_numpy2 import build_without_global_seed, import_imgaug

_built = threading.local()
# imgaug's own list comes from a set, whose order differs between processes.
_PAD_MODES = ("constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect",
              "symmetric", "wrap")  # fmt: skip


def augment_with_imgaug(
    image: NDArray[np.uint8], rng: np.random.Generator, *, preset: str, keep_geometry: bool = True
) -> NDArray[np.uint8]:
    """Augments one photo with an old preset.

    The presets, from weak to strong. All of them draw new values for each photo:

    - `basic`: a crop of up to 50 pixels a side and an affine change (scale 0.8 to 1.2, shift 20 %,
      turn 25 degrees, shear 8 degrees), each for half of the photos; Gaussian blur of up to 3
      pixels.
    - `typical`, in random order: left-right flip for half of the photos, crop of up to 10 % a
      side, blur of up to 0.5 pixels for half, contrast 0.75 to 1.5, noise of up to 5 %, gain 0.8
      to 1.2, affine as above but with a turn of 45 degrees.
    - `heavy`, in random order: both flips for a fifth, crop or padding, affine (turn 45, shear 16
      degrees, any border) and up to five of superpixels, blur, sharpening, embossing, edges,
      noise, dropout, inversion, brightness, hue, gain, contrast, gray, and elastic, piecewise and
      perspective warps.

    Flips and large turns turn a photo into one of another place. With `keep_geometry` there are no
    flips, and turns stay within 5 degrees; all else stays the same.

    Args:
        image: (H, W, C) uint8, C = 1 or 3. Hue and gray are left out for C = 1.
        rng: np.random.Generator. One integer is drawn from it.
        preset: str. `"basic"`, `"typical"` or `"heavy"`.
        keep_geometry: bool. Defaults to `True`.

    Returns:
        (H, W, C) uint8.
    """
    key = (preset, keep_geometry, image.shape[2])
    pipelines = _built.__dict__.setdefault("pipelines", {})  # one per thread, as it has a state
    if key not in pipelines:
        pipelines[key] = build_pipeline(*key)
    pipeline = pipelines[key]
    pipeline.seed_(int(rng.integers(1, 2**31 - 1)))
    return np.ascontiguousarray(pipeline.augment_image(image))


def build_pipeline(preset: str, keep_geometry: bool, channels: int) -> Any:
    """Builds the imgaug augmenter of a preset.

    Args:
        preset: str. `"basic"`, `"typical"` or `"heavy"`.
        keep_geometry: bool. Whether to leave out flips and keep turns within 5 degrees.
        channels: int. 1 or 3.

    Returns:
        imgaug.augmenters.Augmenter.
    """
    imgaug = import_imgaug()
    build = AUGMENTATIONS[preset].find()
    return build_without_global_seed(lambda: build(imgaug, keep_geometry, channels == 3))


# imgaug's `seed_` misses an augmenter that is itself a list (`OneOf`, `SomeOf`) if it is the only
# child of another one. So children are always put into a list of their own.


def _basic(imgaug: Any, keep_geometry: bool, color: bool) -> Any:
    iaa = imgaug.augmenters
    return iaa.Sequential(
        [
            iaa.Sometimes(0.5, [iaa.Crop(px=(0, 50))]),
            iaa.GaussianBlur(sigma=(0, 3.0)),
            iaa.Sometimes(0.5, [_affine(iaa, 5 if keep_geometry else 25)]),
        ]
    )


def _typical(imgaug: Any, keep_geometry: bool, color: bool) -> Any:
    iaa = imgaug.augmenters
    return iaa.Sequential(
        [
            *([] if keep_geometry else [iaa.Fliplr(0.5)]),
            iaa.Crop(percent=(0, 0.1)),
            iaa.Sometimes(0.5, [iaa.GaussianBlur(sigma=(0, 0.5))]),
            iaa.LinearContrast((0.75, 1.5)),
            iaa.AdditiveGaussianNoise(scale=(0, 0.05 * 255), per_channel=0.5),
            iaa.Multiply((0.8, 1.2), per_channel=0.2),
            _affine(iaa, 5 if keep_geometry else 45),
        ],
        random_order=True,
    )


def _heavy(imgaug: Any, keep_geometry: bool, color: bool) -> Any:
    iaa = imgaug.augmenters
    any_border = {"order": [0, 1], "cval": (0, 255), "mode": imgaug.ALL}
    return iaa.Sequential(
        [
            *([] if keep_geometry else [iaa.Fliplr(0.2), iaa.Flipud(0.2)]),
            _half(
                iaa,
                iaa.CropAndPad(percent=(-0.05, 0.1), pad_mode=list(_PAD_MODES), pad_cval=(0, 255)),
            ),
            _half(iaa, _affine(iaa, 5 if keep_geometry else 45, shear_deg=16, **any_border)),
            iaa.SomeOf((0, 5), _heavy_changes(iaa, color), random_order=True),
        ],
        random_order=True,
    )


def _heavy_changes(iaa: Any, color: bool) -> list:
    edges = iaa.OneOf(
        [
            iaa.EdgeDetect(alpha=(0.5, 1.0)),
            iaa.DirectedEdgeDetect(alpha=(0.5, 1.0), direction=(0.0, 1.0)),
        ]
    )
    patchy_light = iaa.BlendAlphaFrequencyNoise(
        exponent=(-4, 0),
        foreground=[iaa.Multiply((0.5, 1.5), per_channel=True)],
        background=[iaa.LinearContrast((0.5, 2.0))],
    )
    return [
        _half(iaa, iaa.Superpixels(p_replace=(0, 1.0), n_segments=(20, 200))),
        iaa.OneOf([iaa.GaussianBlur((0, 3.0)), iaa.AverageBlur(k=(2, 7))]),
        iaa.Sharpen(alpha=(0, 1.0), lightness=(0.75, 1.5)),
        iaa.Emboss(alpha=(0, 1.0), strength=(0, 2.0)),
        iaa.BlendAlphaSimplexNoise([edges]),
        iaa.AdditiveGaussianNoise(scale=(0, 0.05 * 255), per_channel=0.5),
        iaa.OneOf(
            [
                iaa.Dropout((0.01, 0.1), per_channel=0.5),
                iaa.CoarseDropout((0.03, 0.15), size_percent=(0.02, 0.05), per_channel=0.2),
            ]
        ),
        iaa.Invert(0.05, per_channel=True),
        iaa.Add((-10, 10), per_channel=0.5),
        *([iaa.AddToHueAndSaturation((-20, 20))] if color else []),
        iaa.OneOf([iaa.Multiply((0.5, 1.5), per_channel=0.5), patchy_light]),
        iaa.LinearContrast((0.5, 2.0), per_channel=0.5),
        *([iaa.Grayscale(alpha=(0.0, 1.0))] if color else []),
        _half(iaa, iaa.ElasticTransformation(alpha=(0.5, 3.5), sigma=0.25)),
        _half(iaa, iaa.PiecewiseAffine(scale=(0.01, 0.05))),
        _half(iaa, iaa.PerspectiveTransform(scale=(0.01, 0.1))),
    ]


def _affine(iaa: Any, turn_deg: float, shear_deg: float = 8, **border: Any) -> Any:
    return iaa.Affine(
        scale={"x": (0.8, 1.2), "y": (0.8, 1.2)},
        translate_percent={"x": (-0.2, 0.2), "y": (-0.2, 0.2)},
        rotate=(-turn_deg, turn_deg),
        shear=(-shear_deg, shear_deg),
        **border,
    )


def _half(iaa: Any, augmenter: Any) -> Any:
    return iaa.Sometimes(0.5, [augmenter])


IMGAUG_PRESETS = tuple(
    name for name, row in AUGMENTATIONS.items() if row.home.startswith(f"{__name__}:")
)
"""Names of the presets."""
