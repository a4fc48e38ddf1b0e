import os

import numpy as np
import pytest

from placevec.sources.tables.photo_table import write_photo_table
from placevec.sources.tables.table import read_table


def test_reads_a_table_sorted_by_name(photos):
    root = photos("a.jpg", "b/c.jpg", "d.jpg")
    (root / "images.csv").write_text(
        "file,east,north,role,heading_deg,time,place\n"
        "d.jpg,5,6,,90,60,2\nb/c.jpg,3,4,database,,,2\na.jpg,1,2,query,0,0,1\n"
    )
    dataset = read_table(root)
    assert dataset.root == root
    assert dataset.names.tolist() == ["a.jpg", "b/c.jpg", "d.jpg"]
    assert dataset.positions_m.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert dataset.queries.tolist() == [0, 2]
    assert dataset.database.tolist() == [1, 2]
    np.testing.assert_array_equal(dataset.headings_deg, [0, np.nan, 90])
    np.testing.assert_array_equal(dataset.times_s, [0, np.nan, 60])
    assert dataset.place_ids.tolist() == [1, 2, 2]
    assert dataset.frame == "local"


def test_reads_places_without_positions(photos):
    root = photos("a.jpg", "b.jpg")
    (root / "images.csv").write_text("file,place\na.jpg,kitchen\nb.jpg,kitchen\n")
    dataset = read_table(root / "images.csv")
    assert dataset.positions_m is None
    assert dataset.place_ids.tolist() == [0, 0]


def test_turns_degrees_into_metres(photos):
    root = photos("a.jpg", "b.jpg")
    # Ten seconds of arc of latitude are 309 m.
    (root / "t.csv").write_text("file,lat,lon\na.jpg,52.2,0.1\nb.jpg,52.2027778,0.1\n")
    dataset = read_table(root)
    assert dataset.frame == "UTM 31U"
    apart_m = np.diff(dataset.positions_m, axis=0)[0]
    np.testing.assert_allclose(np.hypot(*apart_m), 309, atol=0.5)


def test_takes_images_csv_or_the_only_table_of_a_folder(photos, refuses):
    root = photos("a.jpg")
    with refuses(FileNotFoundError, "must hold one table.*Received: none"):
        read_table(root)
    (root / "one.csv").write_text("file,east,north\na.jpg,1,1\n")
    assert read_table(root).positions_m.tolist() == [[1, 1]]
    (root / "two.csv").write_text("file,east,north\na.jpg,2,2\n")
    with refuses(FileNotFoundError, "Received: one.csv, two.csv"):
        read_table(root)
    (root / "images.csv").write_text("file,east,north\na.jpg,3,3\n")
    assert read_table(root).positions_m.tolist() == [[3, 3]]


def test_refuses_what_is_no_table(photos, refuses):
    root = photos("a.jpg")
    with refuses(ValueError, r"\.csv or \.parquet.*a.jpg"):
        read_table(root / "a.jpg")
    with refuses(FileNotFoundError, "does not exist"):
        read_table(root / "absent.csv")
    (root / "images.csv").write_text("file,role\na.jpg,query\n")
    with refuses(ValueError, "needs `lat,lon`, `east,north` or `place`.*it has: file, role.*Add"):
        read_table(root)
    (root / "images.csv").write_text("file,Lat, LON \na.jpg,1,2\n")
    with refuses(ValueError, "it has: file, Lat, LON.*Rename `Lat` to `lat`, `LON` to `lon`"):
        read_table(root)


def test_refuses_or_skips_missing_photos(photos, refuses, caplog):
    root = photos("a.jpg")
    photos("empty.jpg", content=b"")
    (root / "images.csv").write_text("file,east,north\na.jpg,1,1\nempty.jpg,2,2\nno.jpg,3,3\n")
    with refuses(FileNotFoundError, "2 of 3 photos of .*images.csv.*first: empty.jpg"):
        read_table(root)
    dataset = read_table(root, skip_unreadable=True)
    assert dataset.names.tolist() == ["a.jpg"]
    assert "2 of 3" in caplog.text


@pytest.mark.parametrize("position", [",", "nan,1", "1,inf", "NaN,NaN"])
def test_refuses_or_skips_missing_positions(photos, refuses, caplog, position):
    root = photos("a.jpg", "b.jpg")
    (root / "images.csv").write_text(f"file,east,north\na.jpg,1,1\nb.jpg,{position}\n")
    with refuses(ValueError, "No positions for 1 of 2 photos in .*first: b.jpg"):
        read_table(root)
    assert read_table(root, skip_unreadable=True).names.tolist() == ["a.jpg"]
    assert "No positions for 1 of 2" in caplog.text


def test_counts_positions_of_zero_among_the_missing(photos, refuses):
    root = photos("a.jpg", "b.jpg")
    (root / "images.csv").write_text("file,lat,lon\na.jpg,52,1\nb.jpg,0,0\n")
    with refuses(ValueError, "No positions for 1 of 2 .*, 1 of them at 0, 0 .first: b.jpg"):
        read_table(root)
    assert len(read_table(root, skip_unreadable=True)) == 1


def test_refuses_to_skip_everything(photos, refuses):
    root = photos("a.jpg")
    (root / "images.csv").write_text("file,east,north\na.jpg,,\nb.jpg,1,1\n")
    with refuses(ValueError, "None of the 2 photos"):
        read_table(root, skip_unreadable=True)


def test_reads_the_cambridge_photos(shared_data):
    train = read_table(shared_data("cambridge", "train"))
    assert len(train) == len(train.queries) == len(train.database) == 2124
    assert train.frame == "UTM 31U"
    assert sorted(set(train.headings_deg)) == [0, 90, 180, 270]
    validation = read_table(shared_data("cambridge", "val", "images.csv"))
    assert (len(validation.queries), len(validation.database)) == (236, 716)
    assert all(path.is_file() for path in validation.paths())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_survives_damage(photos, survives_damage, suffix):
    columns = {
        "file": ["a.jpg", "b/c.jpg"], "lat": [52.2, 52.3], "lon": [0.1, 0.2],
        "heading_deg": [90.0, 10.0], "time": ["2014-06-30T12:00:00Z", "2015"], "place": [1, 2],
        "sequence": [1, 1], "altitude_m": [3.0, 4.0], "fov_deg": [60.0, 60.0],
        "role": ["query", "database"],
    }  # fmt: skip
    root = photos(*columns["file"])
    if suffix == ".csv":
        write_photo_table(root / "places.csv", columns)
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow_table(columns), root / "places.parquet")
    table_path = root / f"places{suffix}"
    survives_damage(lambda: read_table(table_path, skip_unreadable=True), table_path)


def pyarrow_table(columns):
    import pyarrow

    return pyarrow.table(columns)


def test_a_pipe_is_no_table(tmp_path, refuses):
    os.mkfifo(tmp_path / "t.csv")
    with refuses(FileNotFoundError, "t.csv is a pipe or a device. Give a .csv or .parquet"):
        read_table(tmp_path / "t.csv")
