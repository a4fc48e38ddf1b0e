"""Reads the examples in docs/formats.md.

An example is a section `### Name` in which one line is a data set's name and nothing else, such
as `table:places.csv`. Its files are in fenced blocks, each below a line of the file's name and a
colon, `places.csv`: ; its photos in a line `Photos: ` with a name each. The block below `Gives:`
is a table of what the reader must hand over, with the columns of positions.csv. Files that are no
text are made by `MAKERS`, from the blocks of the section where that is of use.
"""

import csv
import io
import math
import re
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from scipy.io import savemat

from placevec.sources import READERS, open_places
from placevec.sources.registry import find_reader
from placevec.sources.tables.rows.columns import COLUMNS
from placevec.sources.tables.rows.rows import LIMITS, read_rows
from placevec.sources.unread import UNREAD

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


class Example(NamedTuple):
    places: str  # READER:PATH
    files: dict[str, str]  # name -> text
    photos: list[str]
    gives: list[dict[str, str]]


def examples():
    found = {}
    text = DOCUMENT.read_text()
    for section in re.split(r"^#{2,3} ", text, flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        places = re.findall(r"^`(\w+:\S+)`$", body, re.MULTILINE)
        if not places:
            continue
        blocks = dict(re.findall(r"^(\S+):\n\n```\w*\n(.*?)^```$", body, re.MULTILINE | re.DOTALL))
        photos = re.search(r"^Photos: (.*?)$(?=\n\n)", body, re.MULTILINE | re.DOTALL)
        found[name] = Example(
            places[0],
            {file.strip("`"): block for file, block in blocks.items() if file != "Gives"},
            re.findall(r"`([^`]+)`", photos.group(1)) if photos else [],
            list(csv.DictReader(io.StringIO(blocks["Gives"]))),
        )
    return found


def make_dbstruct(root, example):
    content = {}
    for role, letters in (("database", "db"), ("query", "q")):
        rows = [row for row in example.gives if row["role"] == role]
        names = np.empty((len(rows), 1), dtype=object)
        names[:, 0] = [row["file"].removeprefix("images/") for row in rows]
        content[f"{letters}ImageFns"] = names
        utm = [(float(row["east"]), float(row["north"])) for row in rows]
        content[f"utm{letters.capitalize()}"] = np.array(utm).T
    savemat(root / "set.mat", {"dbStruct": content})


def make_npz(root, example):
    arrays = {}
    for line in example.files["pitts.npz"].splitlines():
        name, *numbers = line.split()
        arrays[name] = np.array(numbers, dtype=float).reshape((-1, 2) if len(numbers) > 1 else ())
    np.savez(root / "pitts.npz", **arrays)


def make_exif(root, example):
    for file, text in example.files.items():
        exif = Image.Exif()
        folders = {ExifTags.IFD.GPSInfo: {}, ExifTags.IFD.Exif: {}}
        for line in text.splitlines():
            name, *values = line.split()
            known = ExifTags.GPS if name.startswith("GPS") else ExifTags.Base
            folder = ExifTags.IFD.GPSInfo if name.startswith("GPS") else ExifTags.IFD.Exif
            folders[folder][known[name]] = exif_value(name, values)
        for folder, tags in folders.items():
            exif[folder] = tags
        Image.new("RGB", (40, 30)).save(root / file, exif=exif.tobytes())


def exif_value(name, values):
    if name == "GPSAltitudeRef":
        return bytes([int(values[0])])
    if name.endswith(("Ref", "Datum", "Stamp", "Original")) and name != "GPSTimeStamp":
        return values[0].replace("_", " ")
    if name == "FocalLengthIn35mmFilm":
        return int(values[0])
    numbers = tuple(map(float, values))
    return numbers if len(numbers) > 1 else numbers[0]


def make_video(root, example, count=25):
    writer = cv2.VideoWriter(str(root / "walk.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 30, (64, 48))
    for _ in range(count):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()


def make_bag(root, example):
    rosbag1, typesys = map(pytest.importorskip, ("rosbags.rosbag1", "rosbags.typesys"))
    store, kind = typesys.get_typestore(typesys.Stores.ROS1_NOETIC), "geometry_msgs/msg/PoseStamped"
    point, turn, pose, header, time, stamped = (
        store.types[name]
        for name in ("geometry_msgs/msg/Point", "geometry_msgs/msg/Quaternion",
                     "geometry_msgs/msg/Pose", "std_msgs/msg/Header",
                     "builtin_interfaces/msg/Time", kind)
    )  # fmt: skip
    with rosbag1.Writer(root / "drive.bag") as writer:
        for topic in ("/odom", "/other"):
            connection = writer.add_connection(topic, kind, typestore=store)
            for row in example.gives:
                second = int(float(row["time"]))
                place = [float(row[column]) for column in ("east", "north", "altitude_m")]
                half = np.deg2rad(90 - float(row["heading_deg"])) / 2
                posed = pose(
                    point(*place), turn(0.0, 0.0, float(np.sin(half)), float(np.cos(half)))
                )
                message = stamped(header(0, time(second, 0), "map"), posed)
                writer.write(connection, second * 10**9, store.serialize_ros1(message, kind))


MAKERS = {
    "dbStruct": make_dbstruct,
    "ROS bag": make_bag,
    "Lists with an npz": make_npz,
    "EXIF": make_exif,
    "Videos": make_video,
    "TUM, a video": partial(make_video, count=2),
}


def write_example(root, name, example):
    """Writes the files and photos of an example into a folder."""
    for photo in example.photos:
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).write_bytes(b"photo")
    for file, text in example.files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    if name in MAKERS:
        MAKERS[name](root, example)


@pytest.mark.parametrize(("name", "example"), examples().items(), ids=examples())
def test_an_example_is_read_as_the_document_says(name, example, tmp_path, monkeypatch):
    write_example(tmp_path, name, example)
    monkeypatch.chdir(tmp_path)
    dataset = open_places(example.places)
    assert dataset.names.tolist() == [row["file"] for row in example.gives]
    for column in example.gives[0].keys() - {"file"}:
        told = [row[column] for row in example.gives]
        read = values(dataset, column)
        if column == "role":
            assert told == read, column
        else:
            told = [np.nan if cell == "" else float(cell) for cell in told]
            np.testing.assert_allclose(read, told, rtol=0, atol=0.006, err_msg=column)


@pytest.mark.parametrize(("name", "example"), examples().items(), ids=examples())
def test_an_example_stays_in_its_folder(name, example):
    for file in (*example.files, *example.photos):
        assert not Path(file).is_absolute() and ".." not in Path(file).parts, file


def test_every_reader_has_an_example():
    assert {find_reader(example.places)[0] for example in examples().values()} == READERS.keys()


@pytest.mark.parametrize("name", READERS)
def test_every_option_of_a_reader_is_in_the_document(name):
    module = sys.modules[READERS[name].read.__module__]
    for option in getattr(module, "_OPTIONS", ()):
        assert f"{option}=" in DOCUMENT.read_text(), option


def test_every_format_that_is_not_read_is_in_the_document():
    _, _, listed = DOCUMENT.read_text().partition("### Formats that are not read")
    listed = " ".join(listed.partition("\n## ")[0].split())
    for unread in UNREAD:
        words = re.findall(r"[A-Z][\w-]+|g2o|hloc|bag", unread.name)
        assert all(word.removesuffix("s") in listed for word in words[:1]), unread.name


def values(dataset, column):
    """Returns what a column of positions.csv would hold for a data set."""
    if column == "role":
        both = zip(dataset.is_query, dataset.is_database, strict=True)
        return ["" if query and searched else "query" if query else "database"
                for query, searched in both]  # fmt: skip
    if column in ("east", "north"):
        return dataset.positions_m[:, ("east", "north").index(column)]
    fields = {
        "heading_deg": dataset.headings_deg,
        "time": dataset.times_s,
        "place": known(dataset.place_ids),
        "sequence": known(dataset.sequence_ids),
        "altitude_m": dataset.altitudes_m,
        "fov_deg": dataset.fields_of_view_deg,
    }
    return fields[column]


def known(ids):
    return None if ids is None else np.where(ids == -1, np.nan, ids)


def time_spellings():
    rows = re.findall(r"^\| `([^`]+)` \| (refused|[\d.]+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {text: None if seconds == "refused" else float(seconds) for text, seconds in rows}


@pytest.mark.parametrize(("text", "seconds"), time_spellings().items())
def test_a_spelling_of_time_is_read_as_the_document_says(text, seconds, tmp_path):
    table_path = tmp_path / "t.csv"
    table_path.write_text(f"file,place,time\na.jpg,1,{text}\n")
    if seconds is None:
        with pytest.raises(ValueError, match="`time` must be ISO 8601"):
            read_rows(table_path)
    else:
        assert read_rows(table_path).times_s.tolist() == [seconds]


def test_the_document_names_every_column_of_a_table():
    section = DOCUMENT.read_text().split("### A table")[1].split("\n### ")[0]
    table = section[section.index("| column |") : section.index("Column names")]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+)\|", table, re.MULTILINE)))
    assert told == list(COLUMNS)
    assert len(time_spellings()) > 10


def test_the_document_states_the_limits_of_each_column():
    for column, (low, high, _) in LIMITS.items():
        (told,) = re.findall(rf"^\| `{column}` \|[^|]+\| (.+?) \|$", DOCUMENT.read_text(), re.M)
        numbers = [float(text.replace(",", "")) for text in re.findall(r"-?\d[\d,]*\d|0", told)]
        assert numbers == [math.floor(low), high], column
