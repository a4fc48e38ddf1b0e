import pytest

from placevec.sources.tables.rows.columns import (
    refuse_columns,
    warn_of_near_columns,
    why_no_places,
)


@pytest.mark.parametrize(
    ("columns", "renames"),
    [
        ("Lat (deg),Lon (deg)", "`Lat (deg)` to `lat`, `Lon (deg)` to `lon`"),
        ("GPSLatitude,GPSLongitude", "`GPSLatitude` to `lat`, `GPSLongitude` to `lon`"),
        ("gps_lat,gps_lon", "`gps_lat` to `lat`, `gps_lon` to `lon`"),
        ("lat.,lon.", "`lat.` to `lat`, `lon.` to `lon`"),
        ("latitude_deg,longitude_deg", "`latitude_deg` to `lat`, `longitude_deg` to `lon`"),
        ("POINT_X,POINT_Y", "`POINT_X` to `east`, `POINT_Y` to `north`"),
        ("E,N", "`E` to `east`, `N` to `north`"),
        ("east_m,north_m", "`east_m` to `east`, `north_m` to `north`"),
        ("UTM Easting,UTM Northing", "`UTM Easting` to `east`, `UTM Northing` to `north`"),
    ],
)
def test_names_the_columns_to_rename(columns, renames, tmp_path):
    told = why_no_places(["file", *columns.split(",")], tmp_path / "t.csv")
    assert told.endswith(f"(it has: file, {', '.join(columns.split(','))}). Rename {renames}")


def test_a_missing_file_column_is_told_apart_from_marks(tmp_path):
    with pytest.raises(ValueError, match="Rename `File Name` to `file`"):
        refuse_columns(["File Name", "lat", "lon"], tmp_path / "t.csv")


@pytest.mark.parametrize(
    "column",
    ["epsg", "EPSG", "crs", "srid", "UTM Zone", "utm_zone_number", "utmZone", "utm_zone_letter"],
)
def test_refuses_a_column_that_may_state_the_zone(column, tmp_path):
    with pytest.raises(ValueError, match=f"Column `{column}` of .* may state the UTM zone"):
        refuse_columns(["file", "east", "north", column], tmp_path / "t.csv")


def test_a_zone_beside_degrees_or_of_time_is_left_alone(tmp_path):
    refuse_columns(["file", "lat", "lon", "epsg"], tmp_path / "t.csv")
    refuse_columns(["file", "east", "north", "time_zone"], tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("column", "known"),
    [
        ("azimuth", "heading_deg"),
        ("gps_time", "time"),
        ("date_time", "time"),
        ("taken_at", "time"),
        ("session", "sequence"),
        ("Altitude (m)", "altitude_m"),
    ],
)
def test_says_which_columns_are_not_read(column, known, tmp_path, caplog):
    warn_of_near_columns(["file", "lat", "lon", column], tmp_path / "t.csv")
    assert caplog.text.count("is not read") == 1
    assert f"Column `{column}`" in caplog.text and f"rename it to `{known}`" in caplog.text


def test_a_latitude_is_no_altitude(tmp_path, caplog):
    warn_of_near_columns(["file", "east", "north", "latitude", "longitude"], tmp_path / "t.csv")
    assert not caplog.text
