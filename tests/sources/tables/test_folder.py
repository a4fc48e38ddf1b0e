import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources.registry import find_reader
from placevec.sources.tables.folder import PhotoName, parse_photo_name, photo_name, read_folder

FULL = "@0585001.41@4477241.39@17@T@040.4@-79.9@pano@3@090.5@1@2@3@20140630_120000@note@.jpg"


def test_reads_all_fields_of_a_name():
    assert parse_photo_name(f"database/{FULL}") == PhotoName(
        585001.41, 4477241.39, zone="17T", heading_deg=90.5, time_s=1404129600
    )


def test_reads_a_name_of_two_fields():
    photo = parse_photo_name("@1.5@-2@.png")
    assert (photo.east_m, photo.north_m, photo.zone) == (1.5, -2, "")
    assert math.isnan(photo.heading_deg)
    assert math.isnan(photo.time_s)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("20140630_120000", 1404129600),
        ("20140630", 1404086400),
        ("201406", 1401580800),
        ("", math.nan),
        ("20141399", math.nan),
        ("noon", math.nan),
    ],
)
def test_reads_times_of_names(time, seconds):
    photo = parse_photo_name(f"@1@2@@@@@@@@@@@{time}@@.jpg")
    np.testing.assert_equal(photo.time_s, seconds)


@pytest.mark.parametrize(
    "name",
    [
        "a.jpg",
        "@1.jpg",
        "@1@2.jpg",
        "@@@.jpg",
        "@1@@.jpg",
        "@x@2@.jpg",
        "x@1@2@.jpg",
        "@nan@2@.jpg",
    ],
)
def test_knows_names_without_a_position(name):
    assert parse_photo_name(name) is None


@pytest.mark.parametrize(
    "photo",
    [
        PhotoName(585001.41, 4477241.39, zone="17T", heading_deg=359.5, time_s=1404129600.0),
        PhotoName(-12.25, 0.0, zone="5C", heading_deg=0.0),
        PhotoName(1.0, 2.0, zone="32"),
        PhotoName(1.0, 2.0, zone="3"),
    ],
)
def test_writes_names_that_it_reads_back(photo):
    assert repr(parse_photo_name(photo_name(photo, note="42"))) == repr(photo)
    assert photo_name(photo, note="42").endswith("@42@.jpg")


def test_refuses_a_note_that_would_break_the_name(refuses):
    with refuses(ValueError, "neither `@` nor `/`"):
        photo_name(PhotoName(1, 2), note="a@b")
    with refuses(ValueError, "UTM zone is 1 to 60.*'61U'"):
        photo_name(PhotoName(1, 2, zone="61U"))


@pytest.mark.parametrize(
    ("fields", "zone"),
    [
        ("32@", "32"), ("32@@", "32"), ("032@U@", "32U"), ("32@u@", "32U"), ("32U@", "32U"),
        ("32 U@@", "32U"), ("32U@U@", "32U"), ("32U@note@", "32U"), ("99@note@", ""),
        ("2024@", ""), ("photo1@", ""), ("a@b@", ""), ("@@", ""),
    ],
)  # fmt: skip
def test_reads_a_zone_in_one_field_or_two(fields, zone):
    assert parse_photo_name(f"@1@2@{fields}.jpg").zone == zone


@pytest.mark.parametrize(
    "fields", ["61@U@", "0@U@", "32@I@", "32@O@", "32@A@", "32U@T@", "@U@", "99@@@@@@@@@@@@",
               "EPSG:32632@@@@@@@@@@@@"]
)  # fmt: skip
def test_refuses_a_zone_that_does_not_exist(photos, refuses, fields):
    root = photos(f"@1@2@{fields}.jpg")
    with refuses(ValueError, "UTM zone in a photo's name must be.*Rename the photo"):
        read_folder(root)
    assert find_reader(str(root))[0] == "folder"


def test_refuses_an_s_that_means_the_south(photos, refuses):
    with refuses(ValueError, "Received: zone 56S and 6252288 m north of @334900.*such as 56H"):
        read_folder(photos("@334900@6252288@56@S@.jpg"))


def test_zones_without_letters_are_never_mixed(photos, refuses):
    with refuses(ValueError, "zone 32 of .*, zone 31 of"):
        read_folder(photos("@714977@5542943@31@@@@.jpg", "@285008@5542944@32@@@@.jpg"))


def test_says_how_many_times_of_names_it_does_not_read(photos, caplog):
    read_folder(photos("@1@2@@@@@@@@@@@noon@@.jpg", "@1@3@@@@@@@@@@@2014@@.jpg"))
    assert "Times of 1 of 2 photos" in caplog.text and "first: noon" in caplog.text


def test_zero_metres_of_a_zone_are_no_position(photos, refuses):
    root = photos("@0@0@17@T@.jpg", "@585001@4477241@17@T@.jpg")
    with refuses(ValueError, "No positions for 1 of 2 .*, 1 of them at 0, 0 .first: @0@0@"):
        read_folder(root)


def test_a_zone_in_positions_csv_must_be_that_of_the_names(photos, refuses):
    root = photos("@303182@5787755@31@@.jpg", "a.jpg")
    table = root / "positions.csv"
    table.write_text("file,east,north,utm_zone\na.jpg,303192,5787755,31U\n")
    assert read_folder(root).frame == "UTM 31"
    table.write_text("file,east,north,utm_zone\na.jpg,303192,5787755,32U\n")
    with refuses(ValueError, "metres of zone 32U, the other photos' names metres of zone 31"):
        read_folder(root)
    table.write_text("file,lat,lon\na.jpg,52.2050448,0.1195771\n")
    np.testing.assert_allclose(read_folder(root).positions_m[1], [303182.7, 5787755.1], atol=0.1)


def test_reads_positions_and_roles_from_names_and_folders(photos):
    root = photos(
        "test/queries/@3@4@.jpg", f"test/database/{FULL.replace('@17@T', '@@')}", "other/@1@2@.jpg"
    )
    dataset = read_folder(root)
    assert dataset.root == root
    assert dataset.names.tolist() == [
        "other/@1@2@.jpg",
        f"test/database/{FULL.replace('@17@T', '@@')}",
        "test/queries/@3@4@.jpg",
    ]
    assert dataset.positions_m.tolist() == [[1, 2], [585001.41, 4477241.39], [3, 4]]
    assert dataset.queries.tolist() == [0, 2]
    assert dataset.database.tolist() == [0, 1]
    np.testing.assert_array_equal(dataset.headings_deg, [np.nan, 90.5, np.nan])
    np.testing.assert_array_equal(dataset.times_s, [np.nan, 1404129600, np.nan])
    assert (dataset.frame, dataset.place_ids) == ("local", None)


def test_takes_the_innermost_folder_for_the_role(photos):
    dataset = read_folder(photos("database/Query/@1@2@.jpg"))
    assert (len(dataset.queries), len(dataset.database)) == (1, 0)


def test_knows_the_zone_and_lets_bands_of_one_hemisphere_meet(photos):
    dataset = read_folder(photos("@1@2@17@S@.jpg", "@1@2@17@T@.jpg"))
    assert dataset.frame == "UTM 17S"
    assert dataset.headings_deg is None
    assert dataset.times_s is None


@pytest.mark.parametrize(
    "other", ["@1@2@18@T@.jpg", "@1@2@17@K@.jpg", "@1@2@.jpg", "@1@2@18@.jpg", "@1@2@18T@.jpg"]
)
def test_refuses_mixed_zones(photos, refuses, other):
    root = photos("@1@2@17@T@.jpg", other)
    with refuses(ValueError, "must be in one UTM zone.*17T"):
        read_folder(root)


def test_refuses_or_skips_photos_without_positions(photos, refuses, caplog):
    root = photos("@1@2@.jpg", "a1.jpg", "b1.jpg")
    with refuses(
        ValueError,
        r"No positions for 2 of 3 photos in .* \(first: a1.jpg\). Put `east,north` in "
        "positions.csv or `@east@north@` in the file name; .* exif:",
    ):
        read_folder(root)
    assert read_folder(root, skip_unreadable=True).names.tolist() == ["@1@2@.jpg"]
    assert "No positions for 2 of 3" in caplog.text


def test_refuses_or_skips_empty_photos(photos, refuses):
    root = photos("@1@2@.jpg")
    photos("@3@4@.jpg", content=b"")
    with refuses(FileNotFoundError, "1 of 2 photos.*@3@4@.jpg"):
        read_folder(root)
    assert read_folder(root, skip_unreadable=True).names.tolist() == ["@1@2@.jpg"]
    photos("a.jpg")
    photos("@1@2@.jpg", content=b"")
    with refuses(ValueError, "None of the 3 photos"):
        read_folder(root, skip_unreadable=True)


def test_lets_positions_csv_go_before_names(photos):
    root = photos("@1@2@@@@@@@45@.jpg", "a.jpg", "query/b.jpg", "query/c.jpg")
    (root / "positions.csv").write_text(
        "file,east,north,heading_deg,time,place,role\n"
        "query/c.jpg,7,8,90,60,5,database\nquery/b.jpg,5,6,,,,\na.jpg,3,4,,,,\n"
        "@1@2@@@@@@@45@.jpg,9,9,,,,\n"
    )
    dataset = read_folder(root)
    assert dataset.positions_m.tolist() == [[9, 9], [3, 4], [5, 6], [7, 8]]
    np.testing.assert_array_equal(dataset.headings_deg, [45, np.nan, np.nan, 90])
    np.testing.assert_array_equal(dataset.times_s, [np.nan, np.nan, np.nan, 60])
    assert dataset.place_ids.tolist() == [-1, -1, -1, 5]
    assert dataset.queries.tolist() == [0, 1, 2]
    assert dataset.database.tolist() == [0, 1, 3]


def test_completes_names_by_positions_csv_in_their_zone(photos, refuses):
    root = photos("@303182@5787755@31@U@.jpg", "a.jpg")
    (root / "positions.csv").write_text("file,lat,lon\na.jpg,52.2050448,0.1195771\n")
    dataset = read_folder(root)
    assert dataset.frame == "UTM 31U"
    np.testing.assert_allclose(dataset.positions_m[1], [303182.7227, 5787755.1140], atol=1e-3)
    (root / "positions.csv").write_text("file,lat,lon\na.jpg,52.2050448,-0.1195771\n")
    dataset = read_folder(root)  # beyond the edge of zone 31, but measured in it
    assert dataset.frame == "UTM 31U"
    assert 15_000 < dataset.positions_m[0, 0] - dataset.positions_m[1, 0] < 17_000
    photos("@1@2@.jpg")
    (root / "@303182@5787755@31@U@.jpg").unlink()
    with refuses(ValueError, "gives `lat,lon`.*no UTM zone"):
        read_folder(root)


def test_takes_the_zone_of_positions_csv_where_names_say_nothing(photos):
    root = photos("a.jpg")
    (root / "positions.csv").write_text("file,lat,lon\na.jpg,52.2050448,0.1195771\n")
    assert read_folder(root).frame == "UTM 31U"


def test_reads_places_without_positions(photos, refuses):
    root = photos("a.jpg", "b.jpg", "c.jpg")
    (root / "positions.csv").write_text("file,place\na.jpg,1\nb.jpg,1\n")
    with refuses(ValueError, "No positions for 1 of 3 photos"):
        read_folder(root)
    dataset = read_folder(root, skip_unreadable=True)
    assert dataset.positions_m is None
    assert dataset.place_ids.tolist() == [1, 1]


def test_refuses_a_positions_csv_of_other_photos(photos, refuses):
    root = photos("@1@2@.jpg")
    (root / "positions.csv").write_text("file,east,north\nabsent.jpg,1,2\n")
    with refuses(FileNotFoundError, "1 of 2 photos.*absent.jpg"):
        read_folder(root)
    assert len(read_folder(root, skip_unreadable=True)) == 1


def test_says_the_way_out_for_photos_without_any_position(shared_data, refuses):
    with refuses(ValueError, "No positions for 22 of 22 photos"):
        read_folder(shared_data("toy"))


def test_takes_any_words_after_north_for_a_note(tmp_path):
    for name in ("@1.0@2.0@photo1@.jpg", "@3.0@4.0@99@photo2@.jpg", "@5.0@6.0@a@b@.jpg"):
        (tmp_path / name).write_bytes(b"photo")
    dataset = read_folder(tmp_path)
    assert dataset.positions_m.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_survives_a_damaged_positions_csv(photos, survives_damage):
    root = photos("a.jpg", "b/@3@4@.jpg")
    table_path = root / "positions.csv"
    table_path.write_text("file,east,north,time,place\na.jpg,1,2,2014-06,5\nb/@3@4@.jpg,3,4,,\n")
    survives_damage(lambda: read_folder(root, skip_unreadable=True), table_path)


@given(
    st.lists(st.text(st.sampled_from("@0123456789.-+eENTUn_ 東\udcff"), max_size=20), max_size=3)
)
def test_survives_any_names(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("folder")
    for name in ["@1@2@", *names]:
        (root / f"{name}.jpg").write_bytes(b"photo")
    try:
        assert len(read_folder(root, skip_unreadable=True)) >= 1
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_reads_the_layout_of_the_vpr_downloader(photos, split):
    where = f"datasets/town/images/{split}"
    root = photos(
        f"{where}/database/@0585001.41@4477241.39@17@T@@@p@@090@@@@201407@@.jpg",
        f"{where}/queries/@0585003.41@4477241.39@17@T@@@q@@091@@@@201507@@.jpg",
    )
    # Lists of the photos may be beside the folders; they say nothing that the folders do not.
    for folder in ("database", "queries"):
        (root / where / f"{folder}_images_paths.txt").write_text("long/gone.jpg")
    assert find_reader(str(root / where)) == ("folder", root / where)
    dataset = read_folder(root / where)
    assert [len(dataset.queries), len(dataset.database), len(dataset)] == [1, 1, 2]
    assert dataset.frame == "UTM 17T"
    assert dataset.headings_deg.tolist() == [90, 91]


@pytest.mark.parametrize(
    "zone", ["UTM32", "UTM 32N", "EPSG:32632", "zone32", "32.0@T", "-32@T", "t@32", "32@north"]
)
def test_refuses_a_zone_of_another_spelling(zone):
    with pytest.raises(ValueError, match="A UTM zone in a photo's name must be"):
        parse_photo_name(f"@500000@5300000@{zone}@.jpg")


def test_a_note_is_not_a_zone():
    for note in ("7-3@b1", "north", "zone", "run@2", "utmost", "12@winter"):
        assert parse_photo_name(f"@10@20@{note}@.jpg").zone == ""


def test_refuses_positions_that_are_no_file(photos, refuses):
    root = photos("town/@1@2@.jpg") / "town"
    (root / "positions.csv").symlink_to("absent.csv")
    with refuses(FileNotFoundError, "positions.csv must be a regular file"):
        read_folder(root)
