import logging

import numpy as np
import pytest

from placevec.places.ground_truth import relevant_database
from placevec.sources import open_places
from placevec.sources.benchmarks.msls import read_msls, recognize_msls
from placevec.sources.values.utm import metres_from_degrees

# key, role, lon, lat, ca, captured_at, pano, night, control_panel, view_direction, sequence, d2n
CPH = [
    ("a", "query", 12.5, 55.6, 90.5, 1400000000_500, False, False, False, "Forward", "s1", True),
    ("b", "query", 12.6, 55.7, 10, 1400000100_000, True, False, False, "Forward", "s1", True),
    ("c", "query", 12.5, 55.6001, 370, 1400000200_000, False, True, True, "Sideways", "s2", True),
    ("d", "database", 12.5, 55.6, 0, 1500000000_000, False, True, False, "Backward", "s3", True),
    ("e", "database", 12.5001, 55.6, 0, 1500000000_000, False, False, False, "Forward", "s3",
     False),
]  # fmt: skip
SF = [
    ("x", "query", -122.4, 37.7, 1, 1400000000_000, False, False, False, "Forward", "s1", True),
    ("y", "database", -122.4, 37.7, 2, 1400000000_000, False, False, False, "Forward", "t", True),
]  # fmt: skip


def write_city(photos, folder, rows, tables=("raw", "seq_info", "postprocessed", "subtask_index")):
    for role in ("query", "database"):
        own = [row for row in rows if row[1] == role]
        root = photos(*(f"{folder}/{role}/images/{row[0]}.jpg" for row in own))
        text = dict.fromkeys(tables, "")
        text["raw"] = ",key,lon,lat,ca,captured_at,pano\n"
        text["seq_info"] = ",key,sequence_id,frame_number\n"
        text["postprocessed"] = (
            ",key,easting,northing,unique_cluster,night,control_panel,view_direction\n"
        )
        text["subtask_index"] = ",key,all,d2n\n"
        for n, (key, _, lon, lat, ca, at, pano, night, panel, view, sequence, d2n) in enumerate(
            own
        ):
            text["raw"] += f"{n},{key},{lon},{lat},{ca},{at},{pano}\n"
            text["seq_info"] += f"{n},{key},{sequence},{n}\n"
            east, north = metres_from_degrees([lat], [lon])[0][0]
            text["postprocessed"] += f"{n},{key},{east},{north},{n},{night},{panel},{view}\n"
            text["subtask_index"] += f"{n},{key},True,{d2n}\n"
        for table in tables:
            (root / folder / role / f"{table}.csv").write_text(text[table])
    return root


@pytest.fixture
def cph(photos):
    return write_city(photos, "train_val/cph", CPH) / "train_val" / "cph"


def test_reads_a_city(cph, caplog):
    with caplog.at_level(logging.INFO):
        dataset = open_places(f"msls:{cph}")
    assert dataset.names.tolist() == [
        "query/images/a.jpg", "database/images/d.jpg", "database/images/e.jpg"
    ]  # fmt: skip
    assert dataset.is_query.tolist() == [True, False, False]
    assert dataset.is_database.tolist() == [False, True, True]
    expected, zone = metres_from_degrees([55.6, 55.6, 55.6], [12.5, 12.5, 12.5001])
    np.testing.assert_allclose(dataset.positions_m, expected, atol=1e-6)
    assert dataset.frame == f"UTM {zone}" == "UTM 33U"
    assert dataset.headings_deg.tolist() == [90.5, 0, 0]
    assert dataset.times_s.tolist() == [1400000000.5, 1.5e9, 1.5e9]
    assert dataset.sequence_ids.tolist() == [0, 1, 1]
    assert "1 panorama of" in caplog.text and "1 camera-mount photo of" in caplog.text


def test_chooses_by_subtask_night_and_view_direction(cph):
    def keys(choice):
        return "".join(name[-5] for name in open_places(f"msls:{cph},{choice}").names)

    assert keys("subtask=all") == "acde"  # the official list, mounts included, panoramas not
    assert keys("subtask=d2n") == "acd"
    assert keys("night=yes") == "d"
    assert keys("night=no") == "ae"
    assert keys("view_direction=Forward") == "ae"
    assert keys("subtask=d2n,night=yes,view_direction=Sideways") == "c"


def test_rows_belong_together_by_key_in_any_order(cph):
    table_path = cph / "database" / "seq_info.csv"
    header, first, second = table_path.read_text().splitlines()
    table_path.write_text("\n".join([header, second, first, "9,unknown,s9,1"]))
    raw_path = cph / "query" / "raw.csv"
    header, *rows = raw_path.read_text().splitlines()
    raw_path.write_text("\n".join([header, *rows[::-1]]))
    dataset = read_msls(f"{cph},subtask=all")
    assert [name[-5] for name in dataset.names] == ["c", "a", "d", "e"]
    assert dataset.headings_deg.tolist() == [10, 90.5, 0, 0]
    assert dataset.sequence_ids.tolist() == [1, 0, 2, 2]


def test_survives_missing_tables(photos, refuses):
    root = write_city(photos, "goa", CPH, tables=("postprocessed",))
    dataset = read_msls(root / "goa")
    assert len(dataset) == 4 and dataset.frame == "UTM"  # b is not known as a panorama
    assert dataset.headings_deg is None and dataset.times_s is None
    assert dataset.sequence_ids.tolist() == [-1] * 4
    expected, _ = metres_from_degrees([55.6], [12.5])
    np.testing.assert_allclose(dataset.positions_m[:1], expected, atol=1e-6)
    with refuses(ValueError, "No column `all` in subtask_index.csv of"):
        read_msls(f"{root / 'goa'},subtask=all")
    root = write_city(photos, "athens", CPH, tables=("seq_info", "subtask_index"))
    with refuses(ValueError, "No positions for 5 of 5 photos of .*athens .*raw.csv"):
        read_msls(root / "athens")


@pytest.mark.parametrize("where", ["", "train_val"])
def test_several_cities_are_put_apart_and_keep_their_distances(cph, photos, where):
    root = write_city(photos, "train_val/sf", SF) / where
    dataset = read_msls(root)
    assert [name[-5] for name in dataset.names] == ["a", "d", "e", "x", "y"]
    assert all(path.is_file() for path in dataset.paths())
    np.testing.assert_allclose(
        np.diff(dataset.positions_m[:3], axis=0),
        np.diff(read_msls(cph).positions_m, axis=0), atol=1e-6,
    )  # fmt: skip
    assert np.linalg.norm(dataset.positions_m[0] - dataset.positions_m[3]) > 5e6
    assert dataset.frame == "UTM of each of 2 cities, put 10000 km apart"
    assert dataset.sequence_ids.tolist() == [0, 1, 1, 2, 3]
    found = relevant_database(dataset, radius_m=1e6)
    assert [each.tolist() for each in found] == [[0, 1], [2]]


def test_a_choice_may_leave_one_city(cph, photos):
    root = write_city(photos, "train_val/sf", SF)
    dataset = read_msls(f"{root},night=yes")
    assert dataset.names.tolist() == ["train_val/cph/database/images/d.jpg"]
    assert dataset.frame == "UTM 33U"


def test_says_which_photos_are_missing(cph, refuses, caplog):
    (cph / "database" / "images" / "d.jpg").unlink()
    with refuses(FileNotFoundError, r"1 of 3 photos of .*cph \(first: database/images/d.jpg"):
        read_msls(cph)
    assert len(read_msls(cph, skip_unreadable=True)) == 2
    assert "left out" in caplog.text


def test_refuses_what_it_cannot_read(cph, photos, refuses):
    with refuses(ValueError, "`night` must be yes or no. Received: night=maybe"):
        read_msls(f"{cph},night=maybe")
    with refuses(ValueError, "No photo of .* is left"):
        read_msls(f"{cph},night=yes,view_direction=Sideways")
    raw_path = cph / "database" / "raw.csv"
    good = raw_path.read_text()
    raw_path.write_text(good.replace("55.6", "95.6"))
    with refuses(ValueError, r"latitude must be in .*\(raw.csv of .*cph\)"):
        read_msls(cph)
    raw_path.write_text(good.replace("12.5,", "east,"))
    with refuses(ValueError, "`lon` must be a number. Received: 'east' for d of"):
        read_msls(cph)
    raw_path.write_text(good.replace("False", "perhaps"))
    with refuses(ValueError, "`pano` must be True or False. Received: 'perhaps' for d"):
        read_msls(cph)
    raw_path.write_text(good.replace(",e,", ",d,"))
    with refuses(ValueError, "A key appears more than once in .*raw.csv"):
        read_msls(cph)
    raw_path.write_text(good.replace("key", "name"))
    with refuses(ValueError, "No column `key` in .*raw.csv"):
        read_msls(cph)
    raw_path.write_text(good.replace(",e,", ",../../../../../etc/e,"))
    with refuses(ValueError, "must be relative to its folder and stay inside"):
        read_msls(cph)
    with refuses(FileNotFoundError, "must hold CITY/query/images"):
        read_msls(photos("heap/1.jpg") / "heap")


def test_recognizes_a_city_and_what_is_above(cph):
    for path in (cph, cph.parent, cph.parent.parent):
        assert recognize_msls(path) == "cph/database/images with tables of MSLS"
    assert recognize_msls(cph / "query") == ""


def test_survives_damage(cph, survives_damage):
    tables = [path for path in cph.rglob("*.csv")]
    survives_damage(lambda: read_msls(f"{cph},subtask=all", skip_unreadable=True), *tables)


def test_zero_degrees_are_no_position(photos, refuses):
    zero = [("f", *CPH[4][1:2], 0.0, 0.0, *CPH[4][4:])]
    root = write_city(photos, "cph", [CPH[0], *CPH[3:], *zero]) / "cph"
    with refuses(ValueError, "No positions for 1 of 4 .*, 1 of them at 0, 0 .first: .*f.jpg"):
        read_msls(root)


def test_refuses_times_that_are_no_milliseconds(photos, refuses):
    seconds = [(*CPH[0][:5], 1400000000, *CPH[0][6:]), CPH[3]]
    with refuses(ValueError, "`captured_at` must be milliseconds since 1970.*'1400000000' for a"):
        read_msls(write_city(photos, "cph", seconds, tables=("raw", "seq_info")) / "cph")
