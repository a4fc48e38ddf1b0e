import time

import numpy as np
import pytest

from placevec.sources.tables.rows.rows import read_csv, read_rows, whole_turn


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "images.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_reads_every_column(table):
    rows = read_rows(
        table(
            "file,east,north,heading_deg,time,place,role,note\n"
            "b.jpg,1.5,-2,-90,2014-06-30T12:00:00Z,7,query,x\n"
            "./a.jpg, 3 ,4,,,,database,\n"
        )
    )
    assert rows.names.tolist() == ["b.jpg", "a.jpg"]
    np.testing.assert_array_equal(rows.positions, [[1.5, -2], [3, 4]])
    np.testing.assert_array_equal(rows.headings_deg, [270, np.nan])
    np.testing.assert_array_equal(rows.times_s, [1404129600, np.nan])
    assert rows.place_ids.tolist() == [7, -1]
    assert rows.roles.tolist() == ["query", "database"]
    positions_m, frame = rows.metres()
    assert frame == "local"
    np.testing.assert_array_equal(positions_m, rows.positions)


def test_takes_metres_before_degrees(table):
    rows = read_rows(table("file,lat,lon,east,north\na.jpg,52,0,1,2\n"))
    assert not rows.in_degrees
    assert rows.positions.tolist() == [[1, 2]]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_reads_other_separators_and_a_byte_order_mark(table, separator):
    text = "file,east,north\r\nä.jpg,1,2\r\n\r\n".replace(",", separator)
    rows = read_rows(table(text, encoding="utf-8-sig"))
    assert rows.names.tolist() == ["ä.jpg"]
    assert rows.positions.tolist() == [[1, 2]]


def test_numbers_places_of_any_name(table):
    rows = read_rows(table("file,place\na.jpg,oak\nb.jpg,elm\nc.jpg,\nd.jpg,oak\n"))
    assert rows.place_ids.tolist() == [1, 0, -1, 1]
    assert rows.positions is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1404129600.5", 1404129600.5),
        ("2014-06-30", 1404086400),
        ("2014-06", 1401580800),
        ("2014-06-30 12:00:00", 1404129600),
        ("2014-06-30T14:00:00+02:00", 1404129600),
    ],
)
def test_reads_times_as_utc_wherever_it_runs(table, monkeypatch, text, seconds):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        rows = read_rows(table(f"file,place,time\na.jpg,1,{text}\n"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert rows.times_s.tolist() == [seconds]


def test_reads_parquet_as_csv(tmp_path, table):
    import pandas as pd

    columns = {
        "file": ["b.jpg", "a.jpg"],
        "lat": [52.2, 52.3],
        "lon": [0.1, np.nan],
        "heading_deg": [10, 370],
        "time": pd.to_datetime(["2014-06-30T12:00:00", None]),
        "place": [3, 4],
        "role": ["query", None],
        "pixels": [b"1", b"2"],
    }
    frame = pd.DataFrame(columns)
    frame.to_parquet(tmp_path / "images.parquet")
    frame.to_csv(tmp_path / "images.csv", index=False)
    from_parquet = read_rows(tmp_path / "images.parquet")
    from_csv = read_rows(tmp_path / "images.csv")
    for field in ("names", "positions", "headings_deg", "times_s", "place_ids", "roles"):
        np.testing.assert_array_equal(getattr(from_parquet, field), getattr(from_csv, field))
    assert from_parquet.headings_deg.tolist() == [10, 10]
    assert from_parquet.in_degrees
    assert from_parquet.metres()[1] == "UTM 31U"
    np.testing.assert_array_equal(np.isnan(from_parquet.metres()[0]), [[False] * 2, [True] * 2])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "No column `file`.*it has: none"),
        ("filename,east,north\na.jpg,1,2\n", "Rename `filename` to `file`"),
        ("fiel,east,north\na.jpg,1,2\n", "Rename `fiel` to `file`"),
        ("a,b\n1,2\n", "Add the column `file`"),
        ("file,lat,longitude\na.jpg,1,2\n", "No column `lon`.*Rename `longitude` to `lon`"),
        ("file,north,easting\na.jpg,1,2\n", "No column `east`.*Rename `easting` to `east`"),
        ("file,east,east\na.jpg,1,2\n", "column must appear once"),
        ("file,east,north\n", "at least one row"),
        ("file,east,north\na.jpg,1\n", "Line 2 of .* must have 3 cells"),
        ("file,east,north\na.jpg,1,2\nb.jpg,1,2\n./a.jpg,1,2\n", "a.jpg, rows 1 and 3"),
        ("file,east,north\na.jpg,one,2\n", "`east` must be a number.*'one' for a.jpg"),
        ("file,east,north,time\na.jpg,1,2,noon\n", "`time` must be ISO.*'noon' for a.jpg"),
        ("file,east,north,time\na.jpg,1,2,1404129600000\n", "seconds since 1970"),
        ("file,east,north,role\na.jpg,1,2,test\n", "`role` must be .*'test' for a.jpg"),
        ("file,east,north,heading_deg\na.jpg,1,2,N\n", "`heading_deg` must be a number"),
        ("file,east,north\n../a.jpg,1,2\n", "stay inside"),
        ("file,east,north\n,1,2\n", "and not empty"),
        ('file,"ea\nst",north\na.jpg,1,2\n', "name must be on one line"),
        ("file,east,north\na.jpg,1_0,2\n", "`east` must be a number.*'1_0'"),
        ("file;east;north\na.jpg;1,5;2\n", "`east` must be a number with a decimal point.*'1,5'"),
        ("file,place,time\na.jpg,1,41820\n", "41820 for a.jpg.*spreadsheet"),
        ("file,place,time\na.jpg,1,30.06.2014\n", "`time` must be.*day and month"),
        ("file,place,time\na.jpg,1,12:00\n", "`time` must be.*with its date"),
        ("file,place,fov_deg\na.jpg,1,400\n", r"`fov_deg` must be in .*360\].*'400' for a.jpg"),
        ("file,place,fov_deg\na.jpg,1,0\n", "`fov_deg` must be in"),
        ("file,place,heading_deg\na.jpg,1,-9999\n", "`heading_deg` must be in"),
        ("file,place,altitude_m\na.jpg,1,-32768\n", "`altitude_m` must be in"),
        ("file,east,north,utm_zone\na.jpg,1,2,61U\n", "`utm_zone` must be 1 to 60.*'61U'"),
        ("file,east,north,Zone\na.jpg,1,2,31\n", "Column `Zone` .*UTM zone.*`utm_zone`"),
        ("file,east,north,utm_zone,letter\na.jpg,1,2,31,U\n", "Column `letter`.*31U"),
    ],
)
def test_refuses_broken_tables(table, refuses, text, match):
    with refuses(ValueError, match):
        read_rows(table(text))


def test_refuses_what_is_no_table(tmp_path, refuses, table):
    with refuses(ValueError, "not a UTF-8 CSV file"):
        read_rows(table("file\nä.jpg\n", encoding="latin-1"))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with refuses(ValueError, "not a complete Parquet file"):
        read_rows(tmp_path / "broken.parquet")


@pytest.mark.parametrize(
    ("position", "match"),
    [
        ("91,0", r"`lat` must be in \[-80, 84\].*91 for b.jpg.*swapped"),
        ("0,181", r"`lon` must be in.*181 for b.jpg"),
    ],
)
def test_refuses_degrees_out_of_range(table, refuses, position, match):
    rows = read_rows(table(f"file,lat,lon\na.jpg,1,1\nb.jpg,{position}\n"))
    with refuses(ValueError, match):
        rows.metres()


def test_reads_zones_of_metres_and_never_mixes_them(table, refuses):
    text = "file,east,north,utm_zone\na.jpg,500000,5e6,31T\nb.jpg,500000,5e6,{}\n"
    for zone in ("31U", "31", "31.0", "031 u"):
        assert read_rows(table(text.format(zone))).metres()[1].startswith("UTM 31")
    for zone in ("32T", "", "31K"):
        with refuses(ValueError, "must be in one UTM zone.*31T of a.jpg"):
            read_rows(table(text.format(zone))).metres()


def test_refuses_an_s_that_means_the_south(table, refuses):
    rows = read_rows(table("file,east,north,utm_zone\na.jpg,334900,6252288,56S\n"))
    with refuses(ValueError, "zone 56S and 6252288 m north of a.jpg"):
        rows.metres()


def test_zero_degrees_are_no_position(table):
    rows = read_rows(table("file,lat,lon\na.jpg,0,0\nb.jpg,52,0\nc.jpg,-0.0,0.000\n"))
    np.testing.assert_array_equal(np.isnan(rows.positions).any(axis=1), [True, False, True])
    assert rows.num_at_zero == 2
    assert read_rows(table("file,east,north\na.jpg,0,0\nb.jpg,5,0\n")).num_at_zero == 0


def test_places_and_sequences_are_text(table):
    rows = read_rows(table("file,place,sequence\na.jpg,12_3,007\nb.jpg,1_23,7\nc.jpg,NaN,7\n"))
    assert rows.place_ids.tolist() == [0, 1, -1]
    assert rows.sequence_ids.tolist() == [0, 1, 1]


def test_refuses_columns_of_parquet_that_stand_twice_or_hold_lists(tmp_path, refuses):
    pyarrow = pytest.importorskip("pyarrow")
    path, file = tmp_path / "t.parquet", pyarrow.array(["a.jpg"])
    for columns, names, match in (
        ([file, [1.0], [2.0]], ["file", "lat", "lat"], "must appear once.*'lat' 2 times"),
        ([file, [[1]]], ["file", "place"], "`place` of .* must hold one value.*list"),
    ):
        pyarrow.parquet.write_table(pyarrow.Table.from_arrays(
            [pyarrow.array(values) for values in columns], names=names), path)  # fmt: skip
        with refuses(ValueError, match):
            read_rows(path)


def test_reads_a_table_that_pandas_made_of_numbers_with_gaps(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({
        "file": ["a.jpg", "b.jpg", "c.jpg"], "place": [7, 7, None], "time": [20140630, None, 2014],
        "east": [5e5] * 3, "north": [5e6] * 3, "utm_zone": [31, 31, 31.0],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    for suffix in ("parquet", "csv"):
        rows = read_rows(tmp_path / f"t.{suffix}")
        assert rows.place_ids.tolist() == [0, 0, -1]
        np.testing.assert_array_equal(rows.times_s, [1404086400, np.nan, 1388534400])
        assert rows.metres()[1] == "UTM 31"


def test_warns_of_every_column_that_is_nearly_known(table, caplog):
    read_rows(table("file,Lat,place,sequence_id,alt,fov\na.jpg,1,1,1,1,1\n"))
    for column in ("Lat", "sequence_id", "alt", "fov"):
        assert caplog.text.count(f"Column `{column}` of") == 1
    caplog.clear()
    read_rows(table("file,Latitude,place\na.jpg,1,1\n"))
    assert "If it is the lat," in caplog.text and "altitude" not in caplog.text


def test_warns_of_a_column_that_is_nearly_known(table, caplog):
    read_rows(table("file,east,north,heading,color\na.jpg,1,2,90,red\n"))
    assert "`heading`" in caplog.text
    assert "`heading_deg`" in caplog.text
    assert "color" not in caplog.text


def test_turns_headings_into_one_round():
    turned = whole_turn(np.array([-90.0, 0.0, 360.0, 725.0, -1e-20, np.nan]))
    np.testing.assert_array_equal(turned, [270, 0, 0, 5, 0, np.nan])
    assert whole_turn(np.array([np.nan])) is None


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_read_in_pieces_is_the_same_table(tmp_path, monkeypatch, suffix):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "file": [f"{'x' * i}{i}.jpg" for i in range(7)],
            "east": [float(i) for i in range(7)],
            "north": 1.0,
            "time": [None, 1.0, 2.0, None, 4.0, 5.0, 6.0],
            "place": ["oak", "elm", "oak", None, "fir", "elm", "7"],
            "sequence": ["3", "3", "", "1", "1", "2", "2"],
            "role": ["", "", "", "", "", "database", "query"],
        }
    )
    path = tmp_path / f"images{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    whole = read_rows(path)
    monkeypatch.setattr("placevec.sources.tables.rows.csv_file.CHUNK", 2)
    monkeypatch.setattr("placevec.sources.tables.rows.parquet_file.CHUNK", 2)
    pieces = read_rows(path)
    fields = ("names", "positions", "times_s", "place_ids", "sequence_ids", "roles")
    for field in fields:
        np.testing.assert_array_equal(getattr(pieces, field), getattr(whole, field))
    assert pieces.names.tolist() == frame["file"].tolist()
    assert pieces.place_ids.tolist() == [3, 1, 3, -1, 2, 1, 0]
    assert pieces.sequence_ids.tolist() == [3, 3, -1, 1, 1, 2, 2]
    assert pieces.roles.tolist() == frame["role"].tolist()


def test_cells_come_whole_from_a_table_read_in_pieces(table, monkeypatch):
    monkeypatch.setattr("placevec.sources.tables.rows.csv_file.CHUNK", 2)
    monkeypatch.setattr("placevec.sources.tables.rows.parquet_file.CHUNK", 2)
    assert read_csv(table("a,b\n1,2\n\n3,4\n5,6\n")) == {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}
    assert read_csv(table("a,b\n")) == {"a": [], "b": []}
