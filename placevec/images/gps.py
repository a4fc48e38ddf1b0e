"""Where and when a photo was taken, as its EXIF says; no pixel is decoded."""

import math
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import ExifTags, Image

from placevec.images.tag_sizes import check_exif, check_tags
from placevec.input_file import open_input

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
_MOST_BYTES = 4_000_000_000  # of a file whose header is read
_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
_DATE = re.compile(r"(\d{4})[:-](\d{2})[:-](\d{2})")
_DATE_TIME = re.compile(_DATE.pattern + r"[ T](\d{2}):(\d{2}):(\d{2})")
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})|Z")
# What Pillow raises on damaged files and tags.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError,
           ArithmeticError, RuntimeError, EOFError)  # fmt: skip


@dataclass(frozen=True)
class GPS:
    """What the EXIF of a photo says; NaN and empty where it says nothing that makes sense.

    Args:
        lat_deg: float. Latitude, in [-90, 90].
        lon_deg: float. Longitude, in [-180, 180].
        altitude_m: float. Metres above the sea, or above the ellipsoid where the camera writes so.
        heading_deg: float. Direction of the optical axis, clockwise from north, in [0, 360).
        from_magnetic_north: bool. Whether `heading_deg` is counted from there.
        datum: str. What latitude and longitude are measured on, as written.
        time_s: float. Seconds since 1970, UTC.
        without_offset: bool. Whether `time_s` takes a local time for UTC, for want of an offset.
        field_of_view_deg: float. Horizontal angle that the photo takes in, held upright.
    """

    lat_deg: float = math.nan
    lon_deg: float = math.nan
    altitude_m: float = math.nan
    heading_deg: float = math.nan
    from_magnetic_north: bool = False
    datum: str = ""
    time_s: float = math.nan
    without_offset: bool = False
    field_of_view_deg: float = math.nan


def read_gps(path: Path | str) -> GPS:
    """Reads the EXIF of a photo, of its header only.

    A field that is damaged or out of range is unknown, as all of a file is that is no photo or
    whose tags exceed a limit of `check_tags`. The
    time is that of the satellites, else that of the camera, with its offset from UTC where it is
    given. The field of view is that of a lens of the stated 35 mm focal length, whose picture has
    the diagonal of such film.

    Args:
        path: Path. A JPEG, PNG, WebP or TIFF file.

    Returns:
        GPS.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a regular file, or is larger than 4 GB.
    """
    with open_input(path, max_bytes=_MOST_BYTES) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on damaged EXIF: what is damaged is unknown
        try:
            check_tags(file)
            with Image.open(file, formats=_FORMATS) as photo:
                if photo.format == "PNG" and "exif" not in photo.info:
                    return GPS()  # it may stand behind the pixels, which Pillow would decode
                check_exif(photo.info.get("exif", b""))
                exif = photo.getexif()
                camera = dict(exif.get_ifd(ExifTags.IFD.Exif))
                gps = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
                turned = exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
                size = photo.size[::-1] if turned else photo.size
        except (*_DAMAGE, Image.DecompressionBombError):
            return GPS()
    lat_deg = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "NS", 90)
    lon_deg = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "EW", 180)
    altitude_m = _number(gps.get(ExifTags.GPS.GPSAltitude))
    heading_deg = _number(gps.get(ExifTags.GPS.GPSImgDirection))
    time_s, without_offset = _time(camera, gps)
    return GPS(
        lat_deg,
        lon_deg,
        altitude_m=-altitude_m if _below(gps) else altitude_m,
        heading_deg=heading_deg % 360 if 0 <= heading_deg <= 360 else math.nan,
        from_magnetic_north=_text(gps.get(ExifTags.GPS.GPSImgDirectionRef)).upper() == "M",
        datum=_text(gps.get(ExifTags.GPS.GPSMapDatum)),
        time_s=time_s,
        without_offset=without_offset,
        field_of_view_deg=_field_of_view(camera, *size),
    )


def _degrees(gps: dict, tag: int, ref_tag: int, refs: str, limit: int) -> float:
    """Returns degrees of degrees, minutes and seconds; NaN without the letter of the half."""
    ref = _text(gps.get(ref_tag)).upper()[:1]
    parts = [_number(part) for part in _three(gps.get(tag))]
    degrees = sum(part / unit for part, unit in zip(parts, (1, 60, 3600), strict=True))
    if ref not in tuple(refs) or not 0 <= degrees <= limit:
        return math.nan
    return -degrees if ref == refs[1] else degrees


def _below(gps: dict) -> bool:
    ref = gps.get(ExifTags.GPS.GPSAltitudeRef, 0)
    if isinstance(ref, bytes):
        ref = ref[0] if ref else 0
    return ref in (1, 3)  # EXIF 2: below the sea; EXIF 3: below the ellipsoid, below the sea


def _time(camera: dict, gps: dict) -> tuple[float, bool]:
    day = _DATE.fullmatch(_text(gps.get(ExifTags.GPS.GPSDateStamp)))
    clock = [_number(part) for part in _three(gps.get(ExifTags.GPS.GPSTimeStamp))]
    seconds = sum(part * unit for part, unit in zip(clock, (3600, 60, 1), strict=True))
    midnight = _seconds(day)
    if math.isfinite(midnight) and 0 <= seconds <= 86_400:
        return midnight + seconds, False
    taken = _seconds(_DATE_TIME.match(_text(camera.get(ExifTags.Base.DateTimeOriginal))))
    if math.isnan(taken):
        return math.nan, False
    offset = _OFFSET.fullmatch(_text(camera.get(ExifTags.Base.OffsetTimeOriginal)))
    ahead_s = 0.0
    if offset and offset.group(1):
        ahead_s = int(offset.group(2)) * 3600.0 + int(offset.group(3)) * 60.0
        ahead_s = -ahead_s if offset.group(1) == "-" else ahead_s
    return taken - ahead_s, not offset


def _seconds(match: re.Match | None) -> float:
    if match is None:
        return math.nan
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC).timestamp()
    except ValueError:  # the 0000:00:00 of cameras whose clock was never set
        return math.nan


def _field_of_view(camera: dict, cols: int, rows: int) -> float:
    focal_mm = _number(camera.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if not 1 <= focal_mm <= 10_000:  # 0: unknown
        return math.nan
    width_mm = _FILM_DIAGONAL_MM * cols / math.hypot(cols, rows)
    return math.degrees(2 * math.atan(width_mm / (2 * focal_mm)))


def _three(values: object) -> tuple:
    return values if isinstance(values, tuple) and len(values) == 3 else (math.nan,) * 3


def _number(value: object) -> float:
    """Returns a number, NaN for none, for one that is not finite and for x / 0."""
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
