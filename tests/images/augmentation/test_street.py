import dataclasses

import cv2
import numpy as np
import pytest

from placevec.images.augmentation.street import Street

OFF = {
    "view_probability": 0.0,
    "occluder_probability": 0.0,
    "gray_probability": 0.0,
    "saturation": (1.0, 1.0),
    "max_hue_deg": 0.0,
    "gamma": (1.0, 1.0),
    "contrast": (1.0, 1.0),
    "gain": (1.0, 1.0),
    "max_cast": 0.0,
    "max_side_light": 0.0,
    "shadow_probability": 0.0,
    "night_probability": 0.0,
    "blur_probability": 0.0,
    "noise_probability": 0.0,
    "jpeg_probability": 0.0,
}


def only(**parameters) -> Street:
    """A `Street` that does nothing but what is named here."""
    return Street(**{**OFF, **parameters})


def scene(rows: int = 60, cols: int = 80, channels: int = 3, seed: int = 3) -> np.ndarray:
    """A smooth picture of no symmetry."""
    coarse = np.random.default_rng(seed).integers(40, 216, (6, 8, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (cols, rows), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(smooth[:, :, :channels])


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def displacements(street: Street, seed: int, rows: int, cols: int) -> np.ndarray:
    """(rows, cols, 2) x, y in pixels: where each pixel of the result was taken from.

    The photo's gray values are its own coordinates, coarse and fine digits apart.
    """
    y, x = np.mgrid[0:rows, 0:cols]
    maps = []
    for coordinate in (x, y):
        image = (coordinate[:, :, None] * (255 // max(rows, cols))).astype(np.uint8)
        seen = street(image, np.random.default_rng(seed))[:, :, 0]
        maps.append(seen / (255 // max(rows, cols)))
    return np.stack(maps, axis=-1)


@pytest.mark.parametrize("shape", [(60, 80, 3), (60, 80, 1), (61, 33, 3), (7, 5, 1), (1, 1, 3)])
def test_keeps_shape_and_type_and_repeats(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = image.copy()
    results = []
    for seed in range(40):
        first, second = (Street()(image, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert first.shape == shape
        assert first.dtype == np.uint8
        results.append(first.tobytes())
    np.testing.assert_array_equal(image, before)
    if image.size > 3:
        assert len(set(results)) == 40


def test_each_part_alone_changes_the_photo_and_none_leaves_it():
    image = np.random.default_rng(0).integers(40, 216, (60, 80, 3), dtype=np.uint8)
    unchanged = only()(image, np.random.default_rng(0))
    assert np.abs(unchanged.astype(int) - image).max() <= 1  # the round trip through YIQ
    switches = {name: value for name, value in dataclasses.asdict(Street()).items() if name in OFF}
    for name, value in switches.items():
        part = only(**{name: 1.0 if name.endswith("_probability") else value})
        augmented = [part(image, np.random.default_rng(seed)) for seed in range(5)]
        assert np.abs(np.stack(augmented).astype(int) - image).max() > 3, name


def test_a_view_moves_no_pixel_further_than_it_says():
    rows, cols = 60, 80
    street = only(view_probability=1.0)
    turn = np.deg2rad(street.max_turn_deg)
    shift = 1 - 1 / street.max_zoom + street.max_corner_shift
    # A turn about the middle moves a point at (dx, dy) by at most sin(turn) times the other side
    # and (1 - cos(turn)) times its own; a corner may be outside by its shift.
    reach = 0.5 + street.max_corner_shift
    bound_x = shift * cols + np.sin(turn) * reach * rows + (1 - np.cos(turn)) * reach * cols
    bound_y = shift * rows + np.sin(turn) * reach * cols + (1 - np.cos(turn)) * reach * rows
    y, x = np.mgrid[0:rows, 0:cols]
    largest = 0.0
    for seed in range(150):
        source = displacements(street, seed, rows, cols)
        moved_x, moved_y = np.abs(source[:, :, 0] - x), np.abs(source[:, :, 1] - y)
        assert moved_x.max() <= bound_x + 1
        assert moved_y.max() <= bound_y + 1
        largest = max(largest, moved_x.max() / bound_x)
        # Left stays left and top stays top; the outermost strip may reflect.
        inner = source[6:-6, 6:-6]
        assert (np.diff(inner[:, :, 0], axis=1) > -0.5).all()
        assert (inner[:, -1, 0] > inner[:, 0, 0] + 0.6 * inner.shape[1]).all()
        assert (inner[-1, :, 1] > inner[0, :, 1] + 0.6 * inner.shape[0]).all()
    assert largest > 0.5


def test_equals_a_warp_in_plain_loops():
    """With a turn only: each pixel is the one found by turning its place about the middle."""
    street = only(view_probability=1.0, max_zoom=1.0, max_corner_shift=0.0, max_turn_deg=20.0)
    rows, cols = 60, 80
    source = displacements(street, 4, rows, cols)
    right = source[30, 60] - source[30, 20]
    turn = np.arctan2(right[1], right[0])
    assert 2 < abs(np.rad2deg(turn)) <= 20
    for row, col in [(30, 40), (20, 30), (45, 60), (25, 55)]:
        dx, dy = col - (cols - 1) / 2, row - (rows - 1) / 2
        expected_x = np.cos(turn) * dx - np.sin(turn) * dy + (cols - 1) / 2
        expected_y = np.sin(turn) * dx + np.cos(turn) * dy + (rows - 1) / 2
        np.testing.assert_allclose(source[row, col], [expected_x, expected_y], atol=0.7)


def test_is_never_mirrored():
    """Each result, in ranks of brightness, is nearer to the photo than to its three mirrors."""
    image = scene(channels=1)
    street = Street(occluder_probability=0.0, night_probability=0.0, shadow_probability=0.0)
    mirrors = [image[:, ::-1], image[::-1], image[::-1, ::-1]]
    for seed in range(100):
        augmented = street(image, np.random.default_rng(seed))
        upright = correlation(augmented, image)
        assert upright > max(correlation(augmented, mirror) for mirror in mirrors)


def test_the_place_stays_recognizable():
    image = scene(channels=1)
    street = Street(view_probability=0.0, occluder_probability=0.0)
    by_day = [correlation(street(image, np.random.default_rng(seed)), image) for seed in range(100)]
    assert np.median(by_day) > 0.85


def test_brightness_varies_from_night_to_glare():
    image = scene()
    means = np.array([Street()(image, np.random.default_rng(seed)).mean() for seed in range(200)])
    assert image.mean() == pytest.approx(128, abs=15)
    assert (means < 60).mean() > 0.1
    assert (means > 150).mean() > 0.05
    assert means.min() > 4
    assert means.std() > 30


def test_night_darkens_to_the_brightness_it_says_and_darkens_no_dark_photo():
    street = only(
        night_probability=1.0, night_sky_gain=(1.0, 1.0), max_lamps=0, max_noise=0.0,
        night_brightness=(0.2, 0.2),
    )  # fmt: skip
    bright, dark = np.full((60, 80, 3), 200, np.uint8), np.full((60, 80, 3), 30, np.uint8)
    np.testing.assert_allclose(street(bright, np.random.default_rng(0)), 51, atol=1)
    np.testing.assert_allclose(street(dark, np.random.default_rng(0)), 30, atol=1)


def test_the_night_sky_is_darker_than_the_ground():
    street = only(night_probability=1.0, max_lamps=0, max_noise=0.0)
    image = np.full((60, 80, 1), 200, np.uint8)
    for seed in range(20):
        night = street(image, np.random.default_rng(seed))
        assert night[0].mean() < night[-1].mean()


def test_lamps_light_up_a_part():
    image = np.full((60, 80, 1), 200, np.uint8)
    parameters = {"night_probability": 1.0, "max_noise": 0.0, "night_sky_gain": (1.0, 1.0)}
    lit = [
        int(np.ptp(only(max_lamps=4, **parameters)(image, np.random.default_rng(seed))))
        for seed in range(20)
    ]
    unlit = only(max_lamps=0, **parameters)(image, np.random.default_rng(0))
    assert np.ptp(unlit) == 0
    assert max(lit) > 60


def test_occluders_hide_no_more_than_they_may():
    street = only(occluder_probability=1.0)
    image = np.full((60, 80, 3), 255, np.uint8)
    hidden = []
    for seed in range(200):
        augmented = street(image, np.random.default_rng(seed))
        hidden.append((augmented < 253).any(axis=2).mean())
    assert max(hidden) <= street.max_occluded
    assert max(hidden) > 0.5 * street.max_occluded
    assert np.mean(hidden) > 0.03


def test_color_equals_the_formula():
    """A turn of the hue by h and a saturation of s, pixel by pixel with complex chroma."""
    street = only(saturation=(0.5, 0.5), max_hue_deg=0.0)
    image = scene(8, 9)
    augmented = street(image, np.random.default_rng(0))
    for row, col in [(0, 0), (3, 4), (7, 8)]:
        red, green, blue = image[row, col].astype(float)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        expected = [luma + 0.5 * (value - luma) for value in (red, green, blue)]
        np.testing.assert_allclose(augmented[row, col], expected, atol=2)


def test_a_turn_of_the_hue_keeps_brightness_and_saturation():
    street = only(max_hue_deg=8.0)
    image = np.tile(np.array([160, 110, 90], np.uint8), (8, 9, 1))
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    before = to_yiq @ image[0, 0]
    for seed in range(20):
        after = to_yiq @ street(image, np.random.default_rng(seed))[0, 0]
        assert after[0] == pytest.approx(before[0], abs=1.5)
        assert np.hypot(*after[1:]) == pytest.approx(np.hypot(*before[1:]), abs=2)
        turn = np.angle(complex(*after[1:]) / complex(*before[1:]), deg=True)
        assert abs(turn) < 8 + 2


def test_gray_photos_have_equal_channels():
    augmented = only(gray_probability=1.0)(scene(), np.random.default_rng(0)).astype(int)
    assert np.ptp(augmented, axis=2).max() <= 1


def test_tone_equals_the_formula():
    street = only(gamma=(1.5, 1.5), contrast=(0.8, 0.8))
    image = scene(channels=1)
    augmented = street(image, np.random.default_rng(0))
    pivot = (image[::4, ::4].mean() / 255) ** 1.5
    expected = 255 * (pivot + 0.8 * ((image / 255) ** 1.5 - pivot))
    np.testing.assert_allclose(augmented, np.clip(expected, 0, 255), atol=1.01)


def test_a_warm_light_gains_red_what_it_loses_blue():
    image = np.full((16, 16, 3), 100, np.uint8)
    for seed in range(10):
        cast = only(max_cast=0.2)(image, np.random.default_rng(seed))[3, 3].astype(int)
        assert cast[1] == 100
        assert abs(cast[0] + cast[2] - 200) <= 1
        assert 0 <= abs(cast[0] - 100) <= 20


def test_a_shadow_darkens_one_part_by_its_gain():
    street = only(shadow_probability=1.0, shadow_gain=(0.5, 0.5))
    image = np.full((120, 160, 1), 200, np.uint8)
    for seed in range(10):
        shaded = street(image, np.random.default_rng(seed))
        assert shaded.min() >= 99
        assert shaded.max() <= 200
    assert shaded.min() == 100
    assert shaded.max() == 200


def test_noise_has_the_spread_of_a_normal_distribution():
    """95 % lie within two standard deviations; these are drawn up to the largest."""
    image = np.full((120, 160, 3), 128, np.uint8)
    spreads = []
    for seed in range(20):
        noise = only(noise_probability=1.0, max_noise=20.0)(image, np.random.default_rng(seed))
        noise = noise.astype(float) - 128
        assert abs(noise.mean()) < 0.5
        spreads.append(noise.std())
        if noise.std() > 5:  # else rounding to whole gray levels shows
            within_two = (np.abs(noise) <= 2 * noise.std()).mean()
            assert within_two == pytest.approx(0.9545, abs=0.02)
    assert max(spreads) <= 20.5
    assert max(spreads) > 15
    assert min(spreads) < 6


def test_blur_keeps_the_mean_and_takes_detail():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 1), dtype=np.uint8)
    street = only(blur_probability=1.0, max_blur=0.01)
    ratios = []
    for seed in range(20):
        blurred = street(image, np.random.default_rng(seed))
        assert blurred.mean() == pytest.approx(image.mean(), abs=2)
        ratios.append(blurred.std() / image.std())
    assert max(ratios) <= 1.001
    assert min(ratios) < 0.5


def test_jpeg_keeps_red_red():
    image = np.tile(np.array([200, 60, 20], np.uint8), (16, 24, 1))
    coded = only(jpeg_probability=1.0)(image, np.random.default_rng(0))
    np.testing.assert_allclose(coded.astype(int), image, atol=12)


def test_takes_views_with_strides_and_read_only_photos():
    image = scene()[:, ::-1]
    image.flags.writeable = False
    street = Street(occluder_probability=1.0)
    expected = street(np.ascontiguousarray(image), np.random.default_rng(0))
    np.testing.assert_array_equal(street(image, np.random.default_rng(0)), expected)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"blur_probability": 1.5}, r"`blur_probability` must be in \[0, 1\]. Received"),
        ({"gain": (1.2, 0.8)}, "`gain` must be a positive range"),
        ({"gamma": (0.0, 1.0)}, "`gamma` must be a positive range"),
        ({"max_zoom": 0.9}, "`max_zoom` must be at least 1"),
    ],
)
def test_refuses_parameters_that_make_no_sense(parameters, words):
    with pytest.raises(ValueError, match=words):
        Street(**parameters)
