"""Reads from the EXIF where and when a photo was taken, without decoding pixels."""

import io
import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image

from placevec.images.metadata.exif_time import read_time
from placevec.images.metadata.exif_values import number, text, three
from placevec.images.metadata.heif import MissingHeifError, is_heif, open_heif
from placevec.images.metadata.tag_sizes import check_exif, check_tags
from placevec.input_file import open_input, shown

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
_MOST_BYTES = 4_000_000_000  # largest file whose header is read
_MOST_HEIF_BYTES = 600_000_000
_START_BYTES = 256
_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
_ALTITUDES_M = (-12_000.0, 100_000.0)
_LONGEST_XMP = 1_000_000  # bytes of XMP that are searched
_XMP_NUMBER = r"""\b%s\s*(?:=\s*["']|>)\s*([-+]?[0-9]{1,4}(?:\.[0-9]{1,9})?)\s*["'<]"""
_VERTICAL_DEG = 1.0  # A camera this close to straight up or down has no heading.
# Errors that Pillow raises for damaged files and tags.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError,
           ArithmeticError, RuntimeError, EOFError)  # fmt: skip


@dataclass(frozen=True)
class GPS:
    """What the EXIF of a photo says; NaN or empty if a field is missing or makes no sense.

    Args:
        lat_deg: float. Latitude, in [-90, 90].
        lon_deg: float. Longitude, in [-180, 180].
        altitude_m: float. Metres above the sea, or above the ellipsoid if the camera uses that.
        heading_deg: float. Direction of the optical axis, clockwise from north, in [0, 360).
        from_magnetic_north: bool. Whether `heading_deg` is measured from magnetic north.
        datum: str. Geodetic datum of latitude and longitude, as written.
        time_s: float. Seconds since 1970, UTC.
        offset_s: float. How far the camera's clock is ahead of UTC, in seconds.
        without_offset: bool. Whether `time_s` is a local time taken as UTC, as no offset is given.
        camera: str. Make, model and serial number of the camera, as written.
        field_of_view_deg: float. Horizontal angle of view of the upright photo.
    """

    lat_deg: float = math.nan
    lon_deg: float = math.nan
    altitude_m: float = math.nan
    heading_deg: float = math.nan
    from_magnetic_north: bool = False
    datum: str = ""
    time_s: float = math.nan
    offset_s: float = math.nan
    without_offset: bool = False
    camera: str = ""
    field_of_view_deg: float = math.nan


def read_gps(path: Path | str) -> GPS:
    """Reads the EXIF of a photo from its header only.

    A field that is damaged or out of range is unknown. All fields are unknown if a file is not a
    photo or its tags exceed a limit of `check_tags`. A sign is not applied twice: -12.5 m "below
    the sea" is 12.5 m below it, and -33 degrees "south" is 33 degrees south. The time is that of
    `read_time`. If there is no direction, the heading is the gimbal yaw that DJI writes into the
    XMP, unless the camera looks straight up or down. The field of view is that of a lens with the
    given 35 mm focal length, on a sensor with the diagonal of a 35 mm camera.

    Args:
        path: Path. A JPEG, PNG, WebP, TIFF, AVIF or HEIC file.

    Returns:
        GPS.

    Raises:
        FileNotFoundError: If there is no such file.
        MissingHeifError: If it is HEIC and pillow-heif is not installed.
        ValueError: If it is not a regular file, or is larger than 4 GB.
    """
    with open_input(path, max_bytes=_MOST_BYTES) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A damaged EXIF field is simply unknown.
        try:
            check_tags(file)
            with _open(file) as photo:
                if photo.format == "PNG" and "exif" not in photo.info:
                    return GPS()  # EXIF may come after the pixels, which Pillow would decode.
                check_exif(photo.info.get("exif", b""))
                exif = photo.getexif()
                camera = dict(exif.get_ifd(ExifTags.IFD.Exif))
                gps = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
                camera_name = _camera(dict(exif), camera)
                xmp = photo.info.get("xmp") or exif.get(ExifTags.Base.XMLPacket)
                turned = exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
                size = photo.size[::-1] if turned else photo.size
        except MissingHeifError as error:
            raise MissingHeifError(f"{shown(path)} {error}") from None
        except (*_DAMAGE, Image.DecompressionBombError):
            return GPS()
    lat_deg = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "NS", 90)
    lon_deg = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "EW", 180)
    heading_deg = number(gps.get(ExifTags.GPS.GPSImgDirection))
    is_stated = 0 <= heading_deg <= 360
    is_magnetic = text(gps.get(ExifTags.GPS.GPSImgDirectionRef)).upper() == "M"
    return GPS(
        lat_deg,
        lon_deg,
        altitude_m=_altitude_m(gps),
        heading_deg=heading_deg % 360 if is_stated else _gimbal_heading_deg(xmp),
        from_magnetic_north=is_stated and is_magnetic,
        datum=text(gps.get(ExifTags.GPS.GPSMapDatum)),
        field_of_view_deg=_field_of_view(camera, *size),
        camera=camera_name,
        **read_time(camera, gps)._asdict(),
    )


def _camera(photo: dict, camera: dict) -> str:
    values = (photo.get(ExifTags.Base.Make), photo.get(ExifTags.Base.Model))
    return " ".join(map(text, (*values, camera.get(ExifTags.Base.BodySerialNumber)))).strip()


def _open(file: io.BufferedReader) -> Image.Image:
    start = file.read(_MOST_HEIF_BYTES if is_heif(file.peek(_START_BYTES)) else 0)
    return open_heif(start) if start else Image.open(file, formats=_FORMATS)


def _degrees(gps: dict, tag: int, ref_tag: int, refs: str, limit: int) -> float:
    """Converts degrees, minutes and seconds to degrees; NaN without the letter N, S, E or W."""
    ref = text(gps.get(ref_tag)).upper()[:1]
    parts = [number(part) for part in three(gps.get(tag))]
    degrees = sum(abs(part) / unit for part, unit in zip(parts, (1, 60, 3600), strict=True))
    is_second = ref == refs[1]
    if ref not in tuple(refs) or not degrees <= limit or (min(parts) < 0 and not is_second):
        return math.nan
    return -degrees if is_second else degrees


def _altitude_m(gps: dict) -> float:
    altitude_m = number(gps.get(ExifTags.GPS.GPSAltitude))
    ref = gps.get(ExifTags.GPS.GPSAltitudeRef, 0)
    if isinstance(ref, bytes):
        ref = ref[0] if ref else 0
    is_below = ref in (1, 3)  # EXIF 2: 1 below the sea; EXIF 3: 1 below the ellipsoid, 3 the sea
    if not _ALTITUDES_M[0] <= altitude_m <= _ALTITUDES_M[1]:
        return math.nan
    return -abs(altitude_m) if is_below else altitude_m


def _gimbal_heading_deg(xmp: object) -> float:
    yaw_deg = _xmp_number(xmp, "GimbalYawDegree")
    pitch_deg = _xmp_number(xmp, "GimbalPitchDegree")
    is_vertical = abs(abs(pitch_deg) - 90) < _VERTICAL_DEG
    return math.nan if is_vertical or not abs(yaw_deg) <= 360 else yaw_deg % 360


def _xmp_number(xmp: object, name: str) -> float:
    """Returns a number from an XMP packet, written as an attribute or as an element."""
    packet = xmp[:_LONGEST_XMP].decode("latin-1") if isinstance(xmp, bytes) else ""
    match = re.search(_XMP_NUMBER % f"drone-dji:{name}", packet)
    return number(match.group(1)) if match else math.nan


def _field_of_view(camera: dict, cols: int, rows: int) -> float:
    focal_mm = number(camera.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if not 1 <= focal_mm <= 10_000:  # 0: unknown
        return math.nan
    width_mm = _FILM_DIAGONAL_MM * cols / math.hypot(cols, rows)
    return math.degrees(2 * math.atan(width_mm / (2 * focal_mm)))
