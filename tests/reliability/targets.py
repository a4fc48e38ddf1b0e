"""What is fuzzed: a small valid input of each format, and the function that reads it."""

import json
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image
from scipy.io import savemat

from placevec.collecting.area import read_area
from placevec.collecting.json_lines import JsonLines
from placevec.config import StreetviewConfig
from placevec.images.condition import condition_of
from placevec.images.metadata.gps import read_gps
from placevec.images.read import read_image
from placevec.rendering.worlds.load_world import load_world
from placevec.sources import open_places
from placevec.sources.benchmarks.mat_file import read_mat
from placevec.sources.registry import recognize_reader
from placevec.sources.tables.points import read_points
from tests.reliability.store_targets import sign_and_use_store, use_store, write_store
from tests.sources.test_formats_document import examples, write_example


class Target(NamedTuple):
    """One format.

    Args:
        write: callable. Writes a valid input into an empty folder.
        read: callable. Reads it; called in that folder.
    """

    write: Callable[[Path], None]
    read: Callable[[], object]


def targets() -> dict[str, Target]:
    """Returns all targets by name: every example of docs/formats.md, then files of other kinds."""
    found = {
        name: Target(partial(_write_example, name, example), partial(_open, example.places))
        for name, example in examples().items()
    }
    found["Folder with a table"] = Target(_write_folder, partial(_open, "folder:set"))
    found["Splits"] = Target(_write_folder, partial(_open, "folder:set#train"))
    found["Parquet"] = Target(_write_parquet, partial(_open, "table:a.parquet"))
    for suffix in ("jpg", "png", "webp", "tif", "bmp", "ppm"):
        found[f"Photo {suffix}"] = Target(
            partial(_write_photo, f"a.{suffix}"), partial(_read_photo, f"a.{suffix}")
        )
    found["Photo progressive"] = Target(
        partial(_write_photo, "a.jpg", progressive=True), partial(_read_photo, "a.jpg")
    )
    for suffix, write in (("obj", _write_obj), ("gltf", _write_gltf), ("glb", _write_gltf),
                          ("egg", _write_egg)):  # fmt: skip
        found[f"World {suffix}"] = Target(
            partial(write, suffix), partial(load_world, f"a.{suffix}")
        )
    found["Points"] = Target(_write_points, partial(read_points, Path("points.npz"), ["a.jpg"]))
    found["Clusters"] = Target(_write_clusters, partial(read_mat, Path("a.mat"), "clsts"))
    for file, field in (("a.gpx", "track"), ("a.json", "polygon"), ("a.csv", "points")):
        found[f"Area {file[2:]}"] = Target(partial(_write_area, file), partial(_area, field, file))
    found["Ledger"] = Target(_write_ledger, lambda: list(JsonLines(Path("a.jsonl")).read()))
    found["Store"] = Target(write_store, use_store)
    found["Store signed"] = Target(write_store, sign_and_use_store)
    return found


def _open(places: str) -> None:
    recognize_reader(Path(places.partition(":")[2].split(",")[0].partition("#")[0]))
    open_places(places)
    open_places(places, skip_unreadable=True)


def _write_example(name: str, example: object, root: Path) -> None:
    write_example(root, name, example)


def _write_folder(root: Path) -> None:
    (root / "set").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (root / "set" / name).write_bytes(b"photo")
    (root / "set" / "positions.csv").write_text(
        "file,lat,lon,heading_deg,time,place,role\n"
        "a.jpg,52.1,0.5,90,2020-01-01T00:00:00Z,p1,query\nb.jpg,52.1,0.5,80,2020-01-02,p1,database\n"
    )
    (root / "set" / "splits.csv").write_text(
        "file,split,role\na.jpg,train,query\nb.jpg,train,database\n"
    )


def _write_parquet(root: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    table = {
        "file": ["a.jpg", "b.jpg"],
        "lat": [52.1, 52.2],
        "lon": [0.5, 0.6],
        "place": ["p", None],
    }
    parquet.write_table(pyarrow.table(table), root / "a.parquet")
    for name in table["file"]:
        (root / name).write_bytes(b"photo")


def _write_photo(name: str, root: Path, **options: object) -> None:
    exif = Image.Exif()
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (52.0, 5.0, 1.0), 3: "E", 4: (4.0, 1.0, 2.0)}
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 2)
    Image.fromarray(pixels).save(root / name, exif=exif.tobytes(), **options)


def _read_photo(name: str) -> None:
    read_gps(name)
    condition_of(Path(name))
    read_image(name, image_size=(8, 8), channels=1)
    read_image(name)


def _write_obj(suffix: str, root: Path) -> None:
    _write_photo("wall.png", root)
    (root / "a.mtl").write_text("newmtl wall\nKd 1 1 1\nmap_Kd -s 1 1 1 wall.png\nmap_d wall.png\n")
    (root / "a.obj").write_text(
        "mtllib a.mtl\nv 0 0 0\nv 4 0 0 1 0 0\nv 4 0 4\nv 0 0 4\nvt 0 0\nvt 1 1\nusemtl wall\n"
        "f 1/1 2/2 3/1 4/2\nf -4 -3 -2\n"
    )


def _write_gltf(suffix: str, root: Path) -> None:
    _write_photo("wall.png", root)
    positions = np.array([[0, 0, 0], [4, 0, 0], [4, 4, 0]], "<f4")
    blob = positions.tobytes() + np.array([0, 1, 2, 0], "<u2").tobytes()
    data = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "children": [1]}, {"translation": [1, 2, 3]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}], "images": [{"uri": "wall.png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3",
             "min": [0, 0, 0], "max": [4, 4, 0]},
            {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 36},
                        {"buffer": 0, "byteOffset": 36, "byteLength": 6}],
        "buffers": [{"byteLength": len(blob)}],
    }  # fmt: skip
    if suffix == "gltf":
        data["buffers"][0]["uri"] = "a.bin"
        (root / "a.bin").write_bytes(blob)
        (root / "a.gltf").write_text(json.dumps(data, indent=1))
        return
    text = json.dumps(data).encode()
    text += b" " * (-len(text) % 4)
    parts = struct.pack("<I4s", len(text), b"JSON") + text
    parts += struct.pack("<I4s", len(blob), b"BIN\0") + blob
    (root / "a.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(parts)) + parts)


def _write_egg(suffix: str, root: Path) -> None:
    _write_photo("wall.png", root)
    (root / "a.egg").write_text(
        '<CoordinateSystem> { Z-up }\n<Texture> wall { "wall.png" <Scalar> format { rgb } }\n'
        "<VertexPool> p {\n <Vertex> 0 { 0 0 0 <UV> { 0 0 } }\n"
        " <Vertex> 1 { 4 0 0 <RGBA> { 1 1 1 1 } }\n"
        " <Vertex> 2 { 4 0 4 }\n <Vertex> 3 { 0 0 4 }\n}\n"
        "<Group> g {\n <Transform> { <Translate> { 1 2 3 } }\n"
        " <Polygon> { <TRef> { wall } <VertexRef> { 0 1 2 3 <Ref> { p } } }\n}\n"
    )


def _write_points(root: Path) -> None:
    np.savez(root / "points.npz", names=np.array(["a.jpg", "b.jpg"]), indptr=np.array([0, 2, 3]),
             indices=np.array([0, 1, 1]), num_points=np.array(2))  # fmt: skip


def _write_clusters(root: Path) -> None:
    savemat(root / "a.mat", {"clsts": np.ones((4, 2)), "more": "text"}, do_compression=True)


def _write_area(file: str, root: Path) -> None:
    square = [[4.0, 52.0], [4.01, 52.0], [4.01, 52.01], [4.0, 52.0]]
    texts = {
        "a.gpx": '<gpx xmlns="x"><trk><trkseg><trkpt lat="52" lon="4"/><trkpt lat="52.1" lon="4"/>'
        "</trkseg></trk></gpx>",
        "a.json": json.dumps({"type": "Polygon", "coordinates": [square]}),
        "a.csv": "lat,lon\n52,4\n52.1,4.1\n",
    }
    (root / file).write_text(texts[file])


def _area(field: str, file: str) -> None:
    read_area(StreetviewConfig(**{field: Path(file)})).sample(1000.0)


def _write_ledger(root: Path) -> None:
    (root / "a.jsonl").write_text('{"file": "a.jpg", "lat": 1.5}\n{"file": "b.jpg", "lat": null}\n')
