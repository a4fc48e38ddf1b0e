import functools
import os
import subprocess
import sys

import numpy as np
import pytest

from placevec.images.augmentation.imgaug_numpy2 import import_imgaug
from placevec.images.augmentation.imgaug_presets import (
    IMGAUG_PRESETS,
    augment_with_imgaug,
    build_pipeline,
)


def photo(rows: int = 48, cols: int = 64, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (rows, cols, channels), dtype=np.uint8)


@functools.cache
def parts(preset: str, keep_geometry: bool, channels: int) -> list:
    """All augmenters of a preset, the nested ones too."""
    pipeline = build_pipeline(preset, keep_geometry, channels)
    return [pipeline, *pipeline.get_all_children(flat=True)]


CASES = [
    (preset, keep_geometry, channels)
    for preset in IMGAUG_PRESETS
    for keep_geometry in (True, False)
    for channels in (1, 3)
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_augmenter_runs_alone_and_repeats(case):
    image = photo(channels=case[2])
    before = image.copy()
    for part in parts(*case):
        for seed in range(3):
            part.seed_(seed)
            first = part.augment_image(image)
            part.seed_(seed)
            second = part.augment_image(image)
            assert first.shape == image.shape, part
            assert first.dtype == np.uint8, part
            np.testing.assert_array_equal(first, second, err_msg=str(part))
    np.testing.assert_array_equal(image, before)


def test_the_presets_use_the_augmenters_they_name():
    """The names that the old scripts used, under what imgaug 0.4 calls them."""
    names = {type(part).__name__ for part in parts("heavy", False, 3)}
    assert names >= {
        "Fliplr", "Flipud", "CropAndPad", "Affine", "SomeOf", "Superpixels", "GaussianBlur",
        "AverageBlur", "Sharpen", "Emboss", "BlendAlphaSimplexNoise", "EdgeDetect",
        "DirectedEdgeDetect", "AdditiveGaussianNoise", "Dropout", "CoarseDropout", "Invert", "Add",
        "AddToHueAndSaturation", "BlendAlphaFrequencyNoise", "Multiply", "LinearContrast",
        "Grayscale", "ElasticTransformation", "PiecewiseAffine", "PerspectiveTransform",
    }  # fmt: skip
    names = [type(part).__name__ for part in parts("typical", False, 3)]
    assert sorted(names) == [
        "AdditiveGaussianNoise", "Affine", "Crop", "Fliplr", "GaussianBlur", "LinearContrast",
        "Multiply", "Sequential", "Sometimes",
    ]  # fmt: skip


@pytest.mark.parametrize(("preset", "turn_deg"), [("basic", 25), ("typical", 45), ("heavy", 45)])
def test_keeping_the_geometry_leaves_out_flips_and_large_turns(preset, turn_deg):
    def look(keep_geometry):
        found = parts(preset, keep_geometry, 3)
        flips = [part for part in found if type(part).__name__ in ("Fliplr", "Flipud")]
        (affine,) = [part for part in found if type(part).__name__ == "Affine"]
        return len(flips), affine.rotate.a.value, affine.rotate.b.value

    assert look(keep_geometry=True) == (0, -5, 5)
    old_flips = {"basic": 0, "typical": 1, "heavy": 2}[preset]
    assert look(keep_geometry=False) == (old_flips, -turn_deg, turn_deg)


@pytest.mark.parametrize("preset", IMGAUG_PRESETS)
@pytest.mark.parametrize("shape", [(48, 64, 3), (33, 17, 1), (7, 5, 3), (1, 1, 1)], ids=str)
def test_repeats_in_any_order(preset, shape):
    image = photo(*shape)
    augment = functools.partial(augment_with_imgaug, preset=preset)
    seeds = list(range(12))
    first = {seed: augment(image, np.random.default_rng(seed)) for seed in seeds}
    for seed in reversed(seeds):
        again = augment(image, np.random.default_rng(seed))
        np.testing.assert_array_equal(again, first[seed])
        assert again.shape == shape
        assert again.flags.c_contiguous
    if shape[0] > 1:
        assert len({augmented.tobytes() for augmented in first.values()}) > 6


@pytest.mark.parametrize("preset", IMGAUG_PRESETS)
def test_touches_no_global_random_state(preset):
    random = import_imgaug().random
    image, kept = photo(), random.GLOBAL_RNG
    state = str(np.random.get_state())
    imgaug_state = None if kept is None else str(kept.state)
    for seed in range(20):
        augment_with_imgaug(image, np.random.default_rng(seed), preset=preset)
    assert str(np.random.get_state()) == state
    assert random.GLOBAL_RNG is kept
    assert imgaug_state == (None if kept is None else str(kept.state))


def test_typical_stays_within_the_old_ranges():
    """Each part alone on stripes of 90 and 170, 80 apart.

    Contrast 0.75 to 1.5: 60 to 120 apart. Gain 0.8 to 1.2: the darker ones at 72 to 108. Noise:
    a standard deviation of up to 12.75.
    """
    stripes = np.repeat(np.array([90, 170], np.uint8), 30)[None, :, None].repeat(60, axis=0)
    by_name = {type(part).__name__: part for part in parts("typical", False, 1)}

    def measure(name, quantity):
        values = []
        for seed in range(100):
            by_name[name].seed_(seed)
            values.append(quantity(by_name[name].augment_image(stripes).astype(float)[:, :, 0]))
        return min(values), max(values)

    nearest, farthest = measure("LinearContrast", lambda seen: seen[0, -1] - seen[0, 0])
    assert 59 <= nearest < 65
    assert 115 < farthest <= 121
    darkest, brightest = measure("Multiply", lambda seen: seen[0, 0])
    assert 71 <= darkest < 75
    assert 105 < brightest <= 109
    weakest, strongest = measure(
        "AdditiveGaussianNoise", lambda seen: (seen - stripes[..., 0]).std()
    )
    assert 0 <= weakest < 1
    assert 12 < strongest < 13.2


def test_every_preset_repeats_from_one_process_to_another():
    """Sets of strings come in another order where the hash seed differs."""
    code = (
        "import hashlib\nimport numpy as np\nfrom placevec.images import augmenter, photo_rng\n"
        "photo = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)\n"
        "for preset in ('basic', 'typical', 'heavy'):\n"
        "    change = augmenter(preset)\n"
        "    rows = [change(photo, photo_rng(0, 0, i)).tobytes() for i in range(15)]\n"
        "    print(hashlib.sha256(b''.join(rows)).hexdigest())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    runs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env=environment | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout.split()
        for seed in ("0", "5")
    ]  # fmt: skip
    assert len(runs[0]) == 3
    assert runs[0] == runs[1]
