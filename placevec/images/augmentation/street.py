"""Augmentation for place recognition: shows a place at another hour, by another camera."""

import statistics
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]


@dataclass(frozen=True)
class Street:
    """Shows a place at another hour, in other weather and through another camera.

    It draws, in this order: a slightly different view (crop, perspective, turn); objects in the
    way; saturation and hue (or gray); the tone curve (gamma, contrast); the light (gain, color
    cast, side light, shadow, or at night darkness, a dark sky and lamps); blur of the lens or of
    motion; sensor noise; JPEG artifacts. It never mirrors a photo, so left stays left: a corner
    moves by at most `1 - 1 / max_zoom + max_corner_shift` of the photo's side and by a turn of
    `max_turn_deg`. Lengths are shares of the photo, so that the effect does not depend on its size.

    Args:
        view_probability: float. Probability of another view; other photos keep all pixels in place.
        max_zoom: float, at least 1. Largest side of the photo over that of the crop.
        max_corner_shift: float. Largest shift of each corner along each axis, as a share of the
            side.
        max_turn_deg: float. Largest turn about the middle, in degrees.
        occluder_probability: float. Probability of one to three objects in the way.
        max_occluded: float. Largest share of the photo that they hide together.
        gray_probability: float. Probability of a gray photo.
        saturation: (float, float). Range of the factor on the distance from gray.
        max_hue_deg: float. Largest turn of all hues, in degrees.
        gamma: (float, float). Range of the exponent on brightness in [0, 1].
        contrast: (float, float). Range of the factor on the distance from the mean brightness.
        gain: (float, float). Range of the factor on brightness by day.
        max_cast: float. Largest gain or loss of red against blue, as a share.
        max_side_light: float. Largest gain or loss from the middle to a border, as a share.
        shadow_probability: float. Probability of a shadow with a straight edge, by day.
        shadow_gain: (float, float). Range of the factor on brightness in the shadow.
        night_probability: float. Probability of night.
        night_brightness: (float, float). Range of the mean brightness in [0, 1] that a brighter
            photo is darkened to at night, before sky and lamps are drawn.
        night_sky_gain: (float, float). Range of a further factor on the sky at night.
        max_lamps: int. Largest number of lamps at night.
        blur_probability: float. Probability of blur. Half of it is motion blur.
        max_blur: float. Largest standard deviation, as a share of the mean side. Motion blur is
            six times as long.
        noise_probability: float. Probability of noise by day. At night there is always noise.
        max_noise: float. Largest standard deviation by day, in gray levels. At night it is 1.5
            times as large.
        jpeg_probability: float. Probability of coarse JPEG coding.
        jpeg_quality: (int, int). Range of its quality, 1 to 100.

    Input shape:
        `(H, W, C)` uint8, C = 1 or 3 (RGB), and a `np.random.Generator`.

    Output shape:
        `(H, W, C)` uint8. It depends only on the photo and the generator's state.

    Raises:
        ValueError: If a probability is outside [0, 1], a range is not in rising order, or
            `max_zoom < 1`.

    Example:

    >>> dark = Street(night_probability=1.0)
    >>> photo = np.full((240, 320, 3), 200, np.uint8)
    >>> bool(dark(photo, np.random.default_rng(0)).mean() < 120)
    True
    """

    view_probability: float = 0.8
    max_zoom: float = 1.25
    max_corner_shift: float = 0.05
    max_turn_deg: float = 3.0
    occluder_probability: float = 0.4
    max_occluded: float = 0.25
    gray_probability: float = 0.08
    saturation: Range = (0.4, 1.5)
    max_hue_deg: float = 8.0
    gamma: Range = (0.65, 1.6)
    contrast: Range = (0.6, 1.35)
    gain: Range = (0.55, 1.35)
    max_cast: float = 0.2
    max_side_light: float = 0.3
    shadow_probability: float = 0.3
    shadow_gain: Range = (0.35, 0.75)
    night_probability: float = 0.25
    night_brightness: Range = (0.09, 0.32)
    night_sky_gain: Range = (0.25, 0.8)
    max_lamps: int = 4
    blur_probability: float = 0.3
    max_blur: float = 0.005
    noise_probability: float = 0.4
    max_noise: float = 10.0
    jpeg_probability: float = 0.15
    jpeg_quality: tuple[int, int] = (15, 60)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_probability") and not 0 <= value <= 1:
                raise ValueError(
                    f"`{field.name}` must be in [0, 1]. Received: {field.name}={value!r}"
                )
            if isinstance(value, tuple) and not 0 < value[0] <= value[1]:
                raise ValueError(
                    f"`{field.name}` must be a positive range, the smaller number first. "
                    f"Received: {field.name}={value!r}"
                )
        if self.max_zoom < 1:
            raise ValueError(f"`max_zoom` must be at least 1. Received: max_zoom={self.max_zoom!r}")

    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Augments one photo; see the class."""
        color = image.shape[2] == 3
        pixels = image if color else image[:, :, 0]  # OpenCV takes gray photos without third axis.
        is_night = rng.random() < self.night_probability
        if rng.random() < self.view_probability:
            pixels = _see_from_elsewhere(pixels, rng, self)
        if rng.random() < self.occluder_probability:
            pixels = _hide_parts(pixels, rng, self)
        if color:
            pixels = cv2.transform(pixels, _color_matrix(rng, self))
        pixels = cv2.LUT(pixels, _tone_curve(rng, self, float(pixels[::4, ::4].mean()) / 255))
        pixels = _light(np.asarray(pixels, np.uint8), rng, self, is_night)
        if rng.random() < self.blur_probability:
            pixels = _blur(pixels, rng, self)
        if is_night or rng.random() < self.noise_probability:
            pixels = _add_noise(pixels, rng, self.max_noise * (1.5 if is_night else 1.0))
        if rng.random() < self.jpeg_probability:
            pixels = _code_as_jpeg(pixels, rng, self)
        return pixels if color else pixels[:, :, None]


def _see_from_elsewhere(
    pixels: NDArray[np.uint8], rng: np.random.Generator, street: Street
) -> NDArray[np.uint8]:
    """Warps the photo: its corners show what the corners of a random quadrangle showed before."""
    rows, cols = pixels.shape[:2]
    size = np.array([cols, rows], dtype=np.float64)
    crop = 1 / rng.uniform(1, street.max_zoom)
    first_corner = rng.uniform(0, 1 - crop, 2)
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)  # (4, 2) x, y
    corners = first_corner + crop * unit
    corners += rng.uniform(-street.max_corner_shift, street.max_corner_shift, (4, 2))
    turn = np.deg2rad(rng.uniform(-street.max_turn_deg, street.max_turn_deg))
    cos, sin = np.cos(turn), np.sin(turn)
    seen = ((corners - 0.5) * size) @ np.array([[cos, sin], [-sin, cos]]) + 0.5 * size
    # Corners of the photo, half a pixel outside the centers of its corner pixels.
    matrix = cv2.getPerspectiveTransform(
        (unit * size - 0.5).astype(np.float32), (seen - 0.5).astype(np.float32)
    )
    seen_pixels = cv2.warpPerspective(
        pixels,
        matrix,
        (cols, rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(seen_pixels, np.uint8)


def _hide_parts(
    pixels: NDArray[np.uint8], rng: np.random.Generator, street: Street
) -> NDArray[np.uint8]:
    """Puts up to three patches, round or square, flat or textured, over the lower part."""
    pixels = pixels.copy()
    rows, cols = pixels.shape[:2]
    count = int(rng.integers(1, 4))
    for _ in range(count):
        share = rng.uniform(0.1, 1) * street.max_occluded / count
        aspect = np.exp(rng.uniform(np.log(0.4), np.log(2.5)))  # width / height, both as shares
        width = int(np.sqrt(share * aspect) * cols)
        height = int(np.sqrt(share / aspect) * rows)
        x, y = int(rng.uniform(-0.3, 1) * cols), int(rng.uniform(0.15, 0.9) * rows)
        texture = rng.uniform(0, 180) + rng.uniform(-30, 30, 3)  # gray with a slight hue
        texture = texture + rng.uniform(-35, 35, (3, 4, 1)) + rng.uniform(-10, 10, (3, 4, 3))
        how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_NEAREST
        is_round = rng.random() < 0.4
        left, right = max(x, 0), min(x + width, cols)
        top, bottom = max(y, 0), min(y + height, rows)
        if left >= right or top >= bottom:
            continue
        texture = np.clip(texture, 0, 255).astype(np.uint8)
        if pixels.ndim == 2:
            texture = np.ascontiguousarray(texture[:, :, 0])
        patch = cv2.resize(texture, (right - left, bottom - top), interpolation=how)
        window = pixels[top:bottom, left:right]
        if is_round:
            mask = np.zeros(patch.shape[:2], np.uint8)
            center = (x + width // 2 - left, y + height // 2 - top)
            cv2.ellipse(mask, center, (width // 2, height // 2), 0, 0, 360, 255, -1)
            patch = np.where((mask if patch.ndim == 2 else mask[:, :, None]) > 0, patch, window)
        window[:] = patch
    return pixels


_LUMA = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def _color_matrix(rng: np.random.Generator, street: Street) -> NDArray[np.float32]:
    """Returns a (3, 3) matrix on RGB that turns and stretches the two color axes of YIQ."""
    is_gray = rng.random() < street.gray_probability
    saturation = 0.0 if is_gray else rng.uniform(*street.saturation)
    hue = np.deg2rad(rng.uniform(-street.max_hue_deg, street.max_hue_deg))
    cos, sin = saturation * np.cos(hue), saturation * np.sin(hue)
    change = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return (_FROM_YIQ @ change @ _TO_YIQ).astype(np.float32)


def _tone_curve(rng: np.random.Generator, street: Street, mean: float) -> NDArray[np.uint8]:
    """Returns a (256,) uint8 table: gamma, then contrast around the mean brightness."""
    gamma = np.exp(rng.uniform(*np.log(street.gamma)))
    contrast = rng.uniform(*street.contrast)
    tone = np.linspace(0, 1, 256) ** gamma
    pivot = mean**gamma
    return np.clip(np.rint(255 * (pivot + contrast * (tone - pivot))), 0, 255).astype(np.uint8)


_FIELD_CELL = 8  # pixels per cell of the light field


def _light(
    pixels: NDArray[np.uint8], rng: np.random.Generator, street: Street, is_night: bool
) -> NDArray[np.uint8]:
    """Multiplies by a smooth field: gain, color cast, side light, and shadow or night."""
    rows, cols = pixels.shape[:2]
    cells = (max(2, rows // _FIELD_CELL), max(2, cols // _FIELD_CELL))
    y = np.linspace(-1, 1, cells[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, cells[1], dtype=np.float32)[None, :]
    warmth = rng.uniform(-street.max_cast, street.max_cast)
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, street.max_side_light)
    along = np.cos(angle) * x + np.sin(angle) * y
    field = 1 + slope * along / np.sqrt(2)
    if is_night:
        mean = float(pixels[::4, ::4].mean()) / 255
        field = field * min(1.0, rng.uniform(*street.night_brightness) / max(mean, 1e-3))
        for _ in range(int(rng.integers(0, street.max_lamps + 1))):
            field = field + _lamp(x, y, rng)
        field = field * _night_sky(y, rng, street)
    else:
        field = field * np.exp(rng.uniform(*np.log(street.gain)))
        if rng.random() < street.shadow_probability:
            field = field * _shadow(x, y, rng, street)
    field = cv2.resize(field.astype(np.float32), (cols, rows), interpolation=cv2.INTER_LINEAR)
    if pixels.ndim == 3:
        gains = (1 + warmth, 1.0, 1 - warmth)
        # OpenCV's type hints do not allow a number as second factor.
        field = cv2.merge(
            [
                cv2.multiply(field, gain)  # pyright: ignore[reportCallIssue, reportArgumentType]
                for gain in gains
            ]
        )
    return np.asarray(cv2.multiply(pixels, field, dtype=cv2.CV_8U), np.uint8)


def _night_sky(
    y: NDArray[np.float32], rng: np.random.Generator, street: Street
) -> NDArray[np.floating]:
    """Returns (rows, 1) factors: dark above a soft horizon, 1 below it."""
    horizon = rng.uniform(-0.7, 0.1)
    sky = rng.uniform(*street.night_sky_gain)
    return sky + (1 - sky) / (1 + np.exp(-(y - horizon) / 0.12))


def _lamp(
    x: NDArray[np.float32], y: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.floating]:
    """Returns (rows, cols): what one lamp adds to the light around it."""
    middle_x, middle_y = rng.uniform(-1, 1), rng.uniform(-0.8, 0.5)
    spread = rng.uniform(0.08, 0.35)
    return rng.uniform(0.3, 1.2) * np.exp(
        -((x - middle_x) ** 2 + (y - middle_y) ** 2) / (2 * spread**2)
    )


def _shadow(
    x: NDArray[np.float32], y: NDArray[np.float32], rng: np.random.Generator, street: Street
) -> NDArray[np.floating]:
    """Returns (rows, cols) factors: darker on one side of a line, or between two lines."""
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * x + np.sin(angle) * y
    first = rng.uniform(-0.7, 0.5)
    last = first + rng.uniform(0.3, 2.5)
    softness = rng.uniform(0.02, 0.1)
    inside = np.clip((across - first) / softness, 0, 1) * np.clip((last - across) / softness, 0, 1)
    return 1 - (1 - rng.uniform(*street.shadow_gain)) * inside


def _blur(pixels: NDArray[np.uint8], rng: np.random.Generator, street: Street) -> NDArray[np.uint8]:
    sigma = rng.uniform(0, street.max_blur) * (pixels.shape[0] + pixels.shape[1]) / 2
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(sigma, 0.05)), np.uint8)
    length = 6 * sigma
    half = int(np.ceil(length / 2))
    angle = rng.uniform(0, np.pi)
    steps = np.linspace(-length / 2, length / 2, 4 * half + 1)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    places = np.rint(np.outer(steps, [np.sin(angle), np.cos(angle)])).astype(int) + half
    np.add.at(kernel, tuple(places.T), 1 / len(steps))
    return np.asarray(cv2.filter2D(pixels, -1, kernel), np.uint8)


# The middles of 256 equal shares of the normal distribution. Looking up a random byte here is many
# times faster than drawing a normal number.
_NORMAL = np.array([statistics.NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256)])


def _add_noise(
    pixels: NDArray[np.uint8], rng: np.random.Generator, largest: float
) -> NDArray[np.uint8]:
    levels = (rng.uniform(0, largest) * _NORMAL).astype(np.float32)
    draws = np.frombuffer(rng.bytes(pixels.size), np.uint8).reshape(pixels.shape)
    return np.asarray(cv2.add(pixels, cv2.LUT(draws, levels), dtype=cv2.CV_8U), np.uint8)


def _code_as_jpeg(
    pixels: NDArray[np.uint8], rng: np.random.Generator, street: Street
) -> NDArray[np.uint8]:
    quality = int(rng.integers(street.jpeg_quality[0], street.jpeg_quality[1] + 1))
    color = pixels.ndim == 3
    coded = cv2.imencode(
        ".jpg",
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if color else pixels,
        [cv2.IMWRITE_JPEG_QUALITY, quality],
    )[1]
    flag = cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
    decoded = np.asarray(cv2.imdecode(coded, flag), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8) if color else decoded
