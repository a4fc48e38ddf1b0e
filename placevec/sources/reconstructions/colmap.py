"""COLMAP models: photos with poses from structure from motion, and the points in each photo."""

from pathlib import Path

import numpy as np
import scipy

from placevec.places.dataset import PlaceDataset
from placevec.sources.files import tell_unnamed, tidy_name
from placevec.sources.path_options import split_options
from placevec.sources.poses.camera_poses import Poses, rotations_from_quaternions
from placevec.sources.poses.trajectory import flaw_of, places_of_poses, up_option
from placevec.sources.reconstructions.colmap_model import (
    ColmapImage,
    read_fields_of_view,
    read_images,
)
from placevec.sources.walk import require_folder

_IMAGES = ("images.bin", "images.txt")
_OPTIONS = ("images", "up")


def read_colmap(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the photos that are registered in a COLMAP model, from its text or binary files.

    A camera's center is `-R^T t`. Each photo's field of view comes from its camera's focal length
    and width, and its points come from its features; `points3D` is not needed. The model does not
    say which way is up: placevec finds it from how the cameras are held on average (see
    `find_up`), unless the path names it. The unit is unknown too, so radii are in the model's unit.
    Photos that are not registered in the model are left out.

    Args:
        path: Path. The model's folder, or one that holds it as `sparse/0`, `sparse` or `0`. You can
            append `,images=DIR`, the folder that the names are relative to (by default `images`
            beside the model or up to two folders above), and `,up=z`, the axis of the world that
            points up.
        skip_unreadable: bool. Leave out photos without a file or pose, and log how many they are.
            Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"SLAM units"`.

    Raises:
        FileNotFoundError: If the model or photos are missing.
        ValueError: If a file is truncated or cannot be read, there are several models, or the up
            direction cannot be found.
    """
    top, options = split_options(path, _OPTIONS)
    up = up_option(options)
    model_dir = _find_model(top)
    root = Path(options["images"]).expanduser() if "images" in options else _find_root(model_dir)
    require_folder(root)
    images = sorted(read_images(model_dir), key=lambda image: image.name)
    quaternions = np.array([image.quaternion for image in images])[:, [1, 2, 3, 0]]
    translations = np.array([image.translation for image in images])
    poses = Poses.from_world_to_camera(rotations_from_quaternions(quaternions), translations)
    field_of_view = read_fields_of_view(model_dir)
    fields_of_view_deg = np.array([field_of_view.get(image.camera, np.nan) for image in images])
    names = np.array([tidy_name(image.name, model_dir) for image in images])
    tell_unnamed(root, names, source=model_dir)
    return places_of_poses(
        root,
        names,
        poses,
        up=up,
        frame="SLAM units",
        source=model_dir,
        way_out="Write the model again",
        flaw=flaw_of(poses, translations, quaternions),
        skip_unreadable=skip_unreadable,
        fields_of_view_deg=None if np.isnan(fields_of_view_deg).all() else fields_of_view_deg,
        points_seen=_points_seen(images),
    )


def recognize_colmap(path: Path) -> str:
    """Names the COLMAP model at a path, or returns `""`."""
    models = _models(path)
    if not models:
        return ""
    return f"a COLMAP model, {next(n for n in _IMAGES if (models[0] / n).is_file())}"


def _models(top: Path) -> list[Path]:
    """Returns the folder of the model at a path, or the folders of the models below it."""
    below = [folder / str(number) for folder in (top / "sparse", top) for number in range(10)]
    models = [folder for folder in (top, top / "sparse", *below) if _is_model(folder)]
    return models[:1] if _is_model(top) else models


def _is_model(folder: Path) -> bool:
    pairs = (("images.bin", "cameras.bin"), ("images.txt", "cameras.txt"))
    return any(all((folder / name).is_file() for name in pair) for pair in pairs)


def _find_model(top: Path) -> Path:
    require_folder(top)
    models = _models(top)
    if not models:
        below = sorted(folder for folder in top.iterdir() if folder.is_dir() and _is_model(folder))
        received = f"some in {', '.join(f.name for f in below)}. Name one" if below else "none"
        raise FileNotFoundError(
            f"{top} must hold images and cameras of COLMAP, .bin or .txt, there or in sparse/0. "
            f"Received: {received}"
        )
    if len(models) > 1:
        raise ValueError(
            f"Models of COLMAP are measured from different origins. Received: {len(models)} in "
            f"{top}. Name one, {models[0]}"
        )
    return models[0]


def _find_root(model_dir: Path) -> Path:
    above = [model_dir, *model_dir.absolute().parents[:2]]
    root = next((f / "images" for f in above if (f / "images").is_dir()), None)
    if root is None:
        raise FileNotFoundError(
            f"{model_dir} must have a folder `images` beside it. Received: none. Name it: "
            f"{model_dir},images=DIR"
        )
    return root


def _points_seen(images: list[ColmapImage]) -> "scipy.sparse.csr_array | None":
    """Returns (N, M) bool with a column for each visible point; None without points."""
    points, columns = np.unique(
        np.concatenate([image.points for image in images]), return_inverse=True
    )
    if not len(points):
        return None
    starts = np.cumsum([0, *(len(image.points) for image in images)])
    shown = np.ones(len(columns), dtype=bool)
    return scipy.sparse.csr_array((shown, columns, starts), shape=(len(images), len(points)))
