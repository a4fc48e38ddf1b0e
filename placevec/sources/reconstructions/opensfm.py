"""OpenSfM: photos with poses from structure from motion, on Earth if they had GPS."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from placevec.counted import counted
from placevec.input_file import read_json, shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import tell_unnamed, tidy_name
from placevec.sources.path_options import split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses, rotations_from_vectors
from placevec.sources.poses.georeference import on_earth
from placevec.sources.poses.time_stamps import Stamps, dates_of_stamps
from placevec.sources.poses.trajectory import flaw_of, places_of_poses
from placevec.sources.values.null_island import at_zero
from placevec.sources.walk import require_folder

_log = logging.getLogger(__name__)

_RECONSTRUCTION = "reconstruction.json"
_REFERENCE = "reference_lla.json"
_LARGEST_FILE = 2**31  # bytes
_LLA = ("latitude", "longitude", "altitude")
_OPTIONS = ("images", "model")
_STRAIGHT = ("perspective", "brown", "simple_radial", "radial")
_ROUND = ("spherical", "equirectangular")
_TURNED = (5, 6, 7, 8)  # EXIF orientations of photos that are rotated by 90 degrees


def read_opensfm(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the photos that OpenSfM has reconstructed, from `reconstruction.json`.

    A shot's `rotation` (axis times angle) and `translation` are from the world to the camera. The
    world has z up. If `reference_lla`, in the file or beside it, gives its origin on Earth, x is
    east, y is north, and positions are on the UTM grid. Otherwise positions are in the model's unit
    and its x axis counts as east. Points and tracks are not read, so shared points are unknown.

    Args:
        path: Path. The folder of `reconstruction.json`, or that file. You can append `,images=DIR`,
            the folder that the names are relative to (by default `images` beside the file), and
            `,model=0`, the number of a reconstruction if the file has several.
        skip_unreadable: bool. Leave out photos without a file or pose, and log how many they are.
            Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"UTM 33U"` or the like, or `"SLAM units"`.

    Raises:
        FileNotFoundError: If the file or photos are missing.
        ValueError: If it is not a file of OpenSfM, or has several reconstructions and the path
            names none.
    """
    top, options = split_options(path, _OPTIONS)
    source = top if top.is_file() else top / _RECONSTRUCTION
    if not source.is_file():
        raise FileNotFoundError(f"{shown(source)} does not exist. Give the folder that holds it")
    root = Path(options.get("images", source.parent / "images")).expanduser()
    require_folder(root)
    model = _choose(read_json(source, max_bytes=_LARGEST_FILE), options.get("model"), source)
    shots = _objects(model, "shots", source)
    cameras = _objects(model, "cameras", source)
    names = sorted(shots)
    rotations, translations = (
        np.array(
            [_vector(shots[name].get(key), f"`{key}` of {shown(name)}", source) for name in names]
        )
        for key in ("rotation", "translation")
    )
    times_s = np.array([_number(shots[name].get("capture_time")) or math.nan for name in names])
    dates_s = dates_of_stamps(Stamps(times_s, whole=False))
    times_s = times_s if dates_s is None else dates_s
    fields_of_view_deg = np.array([
        _field_of_view_deg(cameras.get(str(shots[name].get("camera")), {}), shots[name])
        for name in names
    ])  # fmt: skip
    poses = Poses.from_world_to_camera(rotations_from_vectors(rotations), translations)
    reference = _reference(model, source.parent)
    names = np.array([tidy_name(name, source) for name in names])
    tell_unnamed(root, names, source=source)
    dataset = places_of_poses(
        root,
        names,
        poses,
        up=WORLD_AXES["z"],
        frame="SLAM units",
        source=source,
        way_out="Write the reconstruction again",
        flaw=flaw_of(poses, translations, rotations),
        skip_unreadable=skip_unreadable,
        times_s=None if np.isnan(times_s).all() else times_s,
        fields_of_view_deg=None if np.isnan(fields_of_view_deg).all() else fields_of_view_deg,
    )
    return dataset if reference is None else on_earth(dataset, *reference)


def recognize_opensfm(path: Path) -> str:
    """Names the file of OpenSfM at a path, or returns `""`."""
    return _RECONSTRUCTION if (path / _RECONSTRUCTION).is_file() else ""


def _choose(models: Any, number: str | None, source: Path) -> dict:
    """Returns the reconstruction that the option `model` names, or the only one."""
    if not isinstance(models, list) or not all(isinstance(each, dict) for each in models):
        raise ValueError(f"{shown(source)} must hold a list of reconstructions of OpenSfM")
    if number is None and len(models) > 1:
        counts = [len(_objects(each, "shots", source)) for each in models[:9]]
        sizes = ", ".join(counted(count, "photo") for count in counts)
        raise ValueError(
            f"{shown(source)} must hold one reconstruction, or the path must name one of them: "
            f"PATH,model=0. Received: {len(models)}, of {sizes}"
        )
    rows = {str(row): each for row, each in enumerate(models)}
    if (number or "0") not in rows:
        raise ValueError(
            f"`model` must be the number of a reconstruction in {shown(source)}. Received: "
            f"model={shown(number or '0')}; it has {len(models)}, counted from 0"
        )
    return rows[number or "0"]


def _objects(model: dict, key: str, source: Path) -> dict[str, dict]:
    objects = model.get(key)
    if not isinstance(objects, dict) or not all(
        isinstance(each, dict) for each in objects.values()
    ):
        raise ValueError(f"{shown(source)} must hold objects in `{key}`, as OpenSfM writes it")
    if not objects:
        raise ValueError(f"`{key}` of {shown(source)} must not be empty")
    return objects


def _vector(value: Any, what: str, source: Path) -> list[float]:
    numbers = [_number(each) for each in value] if isinstance(value, list) else []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise ValueError(
            f"{what} in {shown(source)} must be 3 numbers. Received: {shown(value, longest=80)}"
        )
    return numbers


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _reference(model: dict, folder: Path) -> tuple[float, float, float] | None:
    """Returns latitude, longitude and altitude of the origin, or None if OpenSfM had none."""
    source = folder / _RECONSTRUCTION
    lla = model.get("reference_lla")
    if lla is None and (folder / _REFERENCE).is_file():
        source = folder / _REFERENCE
        lla = read_json(source, max_bytes=_LARGEST_FILE)
    if lla is None:
        return None
    values = [lla.get(key) for key in _LLA] if isinstance(lla, dict) else lla
    latitude_deg, longitude_deg, altitude_m = _vector(values, "`reference_lla`", source)
    if at_zero(np.array([[latitude_deg, longitude_deg]]), on_earth=True)[0]:
        _log.warning("`reference_lla` in %s is 0, 0: read as unknown", shown(source))
        return None
    return latitude_deg, longitude_deg, altitude_m


def _field_of_view_deg(camera: dict, shot: dict) -> float:
    """Returns the horizontal angle of view of a photo as displayed, NaN if unknown.

    Focal lengths are fractions of the longer side of the photo as stored.
    """
    kind = str(camera.get("projection_type", "perspective"))
    if kind in _ROUND:
        return 360.0
    focal = _number(camera.get("focal", camera.get("focal_x")))
    sides = [_number(camera.get(key)) for key in ("width", "height")]
    if not (focal > 0 and min(sides) > 0 and max(sides) < math.inf):
        return math.nan
    across = sides[shot.get("orientation") in _TURNED] / max(sides)
    if kind in _STRAIGHT:
        return math.degrees(2 * math.atan(across / (2 * focal)))
    return min(math.degrees(across / focal), 360.0) if kind.startswith("fisheye") else math.nan
