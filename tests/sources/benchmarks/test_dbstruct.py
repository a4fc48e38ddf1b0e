import numpy as np
import pytest
from scipy.io import savemat

from placevec.sources.benchmarks.dbstruct import load_dbstruct, read_dbstruct, recognize_dbstruct
from placevec.sources.missing import note_missing


def column(texts):
    cells = np.empty((len(texts), 1), dtype=object)
    cells[:, 0] = texts
    return cells


def fields(database, queries, **others):
    """Returns the fields of a dbStruct; photos are (name, east, north)."""
    return {
        "whichSet": "test",
        "dbImageFns": column([name for name, *_ in database]),
        "utmDb": np.array([position for _, *position in database], dtype=float).T,
        "qImageFns": column([name for name, *_ in queries]),
        "utmQ": np.array([position for _, *position in queries], dtype=float).T,
        **others,
    }


TWO_AND_ONE = fields([("000/1.jpg", 1, 2), ("000/2.jpg", 3, 4)], [("q/1.jpg", 5, 6)])


@pytest.fixture
def mat(tmp_path):
    def write(content, name="set.mat", compress=True):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        savemat(path, {"dbStruct": content}, do_compression=compress)
        return path

    return write


def rows_of(dataset):
    return {
        str(name): (tuple(position), bool(query), bool(database))
        for name, position, query, database in zip(
            dataset.names,
            dataset.positions_m.tolist(),
            dataset.is_query,
            dataset.is_database,
            strict=True,
        )
    }


def test_reads_fields_by_name_in_any_order(mat):
    turned = dict(reversed(TWO_AND_ONE.items()))
    content = load_dbstruct(mat(turned))
    assert content.database_names.tolist() == ["000/1.jpg", "000/2.jpg"]
    assert content.database_positions_m.tolist() == [[1, 2], [3, 4]]
    assert content.query_names.tolist() == ["q/1.jpg"]
    assert content.query_positions_m.tolist() == [[5, 6]]
    assert content.database_times_s is None


def test_turns_months_into_seconds(mat):
    stamps = {"dbTimeStamp": np.array([[200907, 201501]]), "qTimeStamp": np.array([[197001]])}
    content = load_dbstruct(mat(TWO_AND_ONE | stamps))
    july_2009 = np.datetime64("2009-07-01T00:00:00").astype(int)
    january_2015 = np.datetime64("2015-01-01T00:00:00").astype(int)
    assert content.database_times_s.tolist() == [july_2009, january_2015]
    assert content.query_times_s.tolist() == [0]


@pytest.mark.parametrize(
    ("database", "queries"),
    [
        ("", ""),
        ("", "queries_real"),
        ("images", "queries"),
        ("images", "query"),
        ("images", "images"),
        ("database", "queries"),
    ],
)
@pytest.mark.parametrize("where", ["set.mat", "datasets/set.mat"])
def test_finds_photos_in_the_usual_folders(mat, photos, database, queries, where):
    path = mat(TWO_AND_ONE, where)
    in_database = f"{database}/" if database else ""
    in_queries = f"{queries}/" if queries else ""
    root = photos(f"{in_database}000/1.jpg", f"{in_database}000/2.jpg", f"{in_queries}q/1.jpg")
    dataset = read_dbstruct(path)
    assert dataset.root == root
    assert all(file.is_file() for file in dataset.paths())
    assert rows_of(dataset) == {
        f"{in_database}000/1.jpg": ((1, 2), False, True),
        f"{in_database}000/2.jpg": ((3, 4), False, True),
        f"{in_queries}q/1.jpg": ((5, 6), True, False),
    }
    assert dataset.names.tolist() == sorted(dataset.names.tolist())
    assert dataset.frame == "UTM"


def test_opens_a_folder_with_one_mat(mat, photos, refuses):
    root = photos("000/1.jpg", "000/2.jpg", "q/1.jpg")
    with refuses(FileNotFoundError, "must hold one .mat. Received: none"):
        read_dbstruct(root)
    mat(TWO_AND_ONE, "datasets/set.mat")
    assert len(read_dbstruct(root)) == 3
    mat(TWO_AND_ONE, "datasets/other.mat")
    with refuses(FileNotFoundError, "Received: other.mat, set.mat"):
        read_dbstruct(root)
    with refuses(FileNotFoundError, "absent does not exist"):
        read_dbstruct(root / "absent")


def test_takes_photos_from_a_named_folder(mat, photos, refuses):
    path = mat(TWO_AND_ONE, "mats/set.mat")
    root = photos(
        "far/away/images/000/1.jpg", "far/away/images/000/2.jpg", "far/away/query/q/1.jpg"
    )
    assert read_dbstruct(f"{path},images={root}/far/away").root == root / "far" / "away"
    assert read_dbstruct(f"{path},images={root}/far/away/images").root == root / "far" / "away"
    with refuses(FileNotFoundError, "nowhere is not a folder"):
        read_dbstruct(f"{path},images={root}/nowhere")


def test_finds_png_files_for_jpg_names(mat, photos):
    path = mat(TWO_AND_ONE)
    photos("000/1.png", "000/2.png", "q/1.jpg")
    assert set(rows_of(read_dbstruct(path))) == {"000/1.png", "000/2.png", "q/1.jpg"}


def test_joins_a_photo_that_is_query_and_database(mat, photos):
    content = fields([("1.jpg", 1, 2), ("2.jpg", 3, 4)], [("2.jpg", 3, 4)])
    stamps = {"dbTimeStamp": np.array([[200907, 201501]]), "qTimeStamp": np.array([[201501]])}
    path = mat(content | stamps)
    photos("images/1.jpg", "images/2.jpg")
    dataset = read_dbstruct(path)
    assert rows_of(dataset) == {
        "images/1.jpg": ((1, 2), False, True),
        "images/2.jpg": ((3, 4), True, True),
    }
    assert dataset.times_s[1] - dataset.times_s[0] == (2015 - 2009) * 365.25 * 86400 - 181.5 * 86400


def test_never_takes_a_database_photo_for_a_query_of_the_same_name(mat, photos, refuses):
    # As in Pittsburgh: 000/1.jpg is one photo as query, another one in the database, and the
    # folder holds database photos of other splits under the names of other queries.
    content = fields(
        [("000/1.jpg", 1, 2), ("000/2.jpg", 3, 4)], [("000/1.jpg", 500, 6), ("000/3.jpg", 700, 8)]
    )
    path = mat(content)
    photos("000/1.jpg", "000/2.jpg", "000/3.jpg")
    with refuses(FileNotFoundError, "2 of 4 photos.*first: queries_real/000/1.jpg"):
        read_dbstruct(path)
    photos("queries_real/000/1.jpg", "queries_real/000/3.jpg")
    assert rows_of(read_dbstruct(path)) == {
        "000/1.jpg": ((1, 2), False, True),
        "000/2.jpg": ((3, 4), False, True),
        "queries_real/000/1.jpg": ((500, 6), True, False),
        "queries_real/000/3.jpg": ((700, 8), True, False),
    }


NORDLAND = fields(*[[(f"images-{i}.png", i, 0) for i in range(3)]] * 2)
OF_BOTH_SIDES = [f"{folder}/images-{i}.png" for folder in ("database", "query") for i in range(3)]


@pytest.mark.parametrize("where", ["set.mat", "query/set.mat", "database/set.mat", "mats/set.mat"])
@pytest.mark.parametrize("folders", [("database", "query"), ("images", "images/queries")])
def test_equal_names_on_both_sides_are_two_photos(mat, photos, where, folders):
    names = [f"{folder}/images-{i}.png" for folder in folders for i in range(3)]
    photos(*names)
    dataset = read_dbstruct(mat(NORDLAND, where))
    assert dataset.names.tolist() == names
    assert dataset.is_database.tolist() == [True] * 3 + [False] * 3
    assert dataset.is_query.tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize("folder", ["query", "database"])
def test_a_named_folder_of_one_side_does_not_stand_for_both(mat, photos, folder):
    root = photos(*OF_BOTH_SIDES)
    path = mat(NORDLAND, "mats/set.mat")
    dataset = read_dbstruct(f"{path},images={root / folder}")
    assert dataset.names.tolist() == OF_BOTH_SIDES


def test_a_missing_query_is_not_replaced_by_the_database_photo_of_its_name(mat, photos, refuses):
    photos(*OF_BOTH_SIDES[:5])
    path = mat(NORDLAND)
    with refuses(FileNotFoundError, "1 of 6 photos.*first: query/images-2.png"):
        read_dbstruct(path)
    photos("query/images-1.png", content=b"")
    dataset = read_dbstruct(path, skip_unreadable=True)
    assert dataset.names.tolist() == OF_BOTH_SIDES[:4]
    assert dataset.positions_m[:, 0].tolist() == [0, 1, 2, 0]


def test_queries_have_another_suffix_than_the_database_photos_of_their_names(mat, photos):
    names = [name.replace(".png", ".jpg") if "query" in name else name for name in OF_BOTH_SIDES]
    photos(*names)
    assert read_dbstruct(mat(NORDLAND)).names.tolist() == names


def test_returns_all_rows_while_missing_files_are_noted(mat):
    with note_missing() as notes:
        dataset = read_dbstruct(mat(TWO_AND_ONE))
    assert len(dataset) == 3
    assert [len(note.names) for note in notes] == [3]
    assert notes[0].of_files


def test_recognizes_a_mat_and_no_other_file(mat, tmp_path):
    (tmp_path / "images.csv").write_text("file,east,north\n")
    assert recognize_dbstruct(mat(TWO_AND_ONE)) == "a dbStruct, set.mat"
    assert recognize_dbstruct(tmp_path / "images.csv") == ""


def test_says_how_many_are_missing_and_where_it_looked(mat, photos, refuses, caplog):
    path = mat(TWO_AND_ONE)
    root = photos("000/1.jpg", "q/1.jpg")
    photos("000/2.jpg", content=b"")
    with refuses(
        FileNotFoundError,
        f"1 of 3 photos of {path} .first: 000/2.jpg; looked in {root} and {root.parent}, there "
        "and below images, .*queries_real.*images=DIR.*`--skip-unreadable`",
    ):
        read_dbstruct(path)
    assert len(read_dbstruct(path, skip_unreadable=True)) == 2
    assert "1 of 3" in caplog.text
    assert len(read_dbstruct(path, require_files=False)) == 3
    for name in ("000/1.jpg", "q/1.jpg"):
        (root / name).unlink()
    with refuses(FileNotFoundError, "3 of 3"):
        read_dbstruct(path, skip_unreadable=True)


def test_refuses_or_skips_missing_positions(mat, photos, refuses):
    photos("1.jpg", "2.jpg")
    path = mat(fields([("1.jpg", 1, 2)], [("2.jpg", np.nan, 2)]))
    with refuses(ValueError, "No positions for 1 of 2 photos.*2.jpg"):
        read_dbstruct(path)
    assert read_dbstruct(path, skip_unreadable=True).names.tolist() == ["1.jpg"]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (np.eye(3), "must hold a struct `dbStruct`.*no such struct"),
        ({"utmDb": 1.0, "utmQ": 1.0}, "Missing: dbImageFns, qImageFns"),
        (TWO_AND_ONE | {"utmDb": np.ones((3, 2))}, r"`utmDb`.*2 photos.*\(3, 2\)"),
        (TWO_AND_ONE | {"utmQ": "text"}, "`utmQ`"),
        (fields([("1.jpg", 1, 2), ("1.jpg", 1, 2)], [("2.jpg", 1, 2)]), "1.jpg more than once"),
        (fields([("../1.jpg", 1, 2)], [("2.jpg", 1, 2)]), "stay inside"),
        (
            TWO_AND_ONE | {"dbTimeStamp": np.array([[200907]]), "qTimeStamp": np.array([[200907]])},
            "a time stamp for each photo",
        ),
        (
            TWO_AND_ONE
            | {"dbTimeStamp": np.array([[200913, 1]]), "qTimeStamp": np.array([[200907]])},
            "not a year and month",
        ),
    ],
)
def test_refuses_mats_that_are_no_dbstruct(mat, refuses, content, match):
    with refuses(ValueError, match):
        load_dbstruct(mat(content))


def test_refuses_mats_without_the_variable(tmp_path, refuses):
    savemat(tmp_path / "other.mat", {"clsts": np.eye(3)})
    with refuses(ValueError, "no such struct"):
        load_dbstruct(tmp_path / "other.mat")
    (tmp_path / "hdf5.mat").write_bytes(
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n"
    )
    with refuses(ValueError, "is a MATLAB 7.3 file.*-v7"):
        load_dbstruct(tmp_path / "hdf5.mat")
    with refuses(FileNotFoundError, "absent.mat does not exist"):
        load_dbstruct(tmp_path / "absent.mat")


def test_reads_packed_and_unpacked_alike(mat):
    packed, unpacked = (load_dbstruct(mat(TWO_AND_ONE, compress=c)) for c in (True, False))
    assert packed.database_names.tolist() == unpacked.database_names.tolist()


@pytest.mark.parametrize("compress", [False, True])
def test_refuses_a_mat_cut_off_anywhere_in_one_line(mat, refuses, compress):
    path = mat(TWO_AND_ONE, compress=compress)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 8, 7):
        path.write_bytes(whole[:length])
        with refuses(ValueError, "set.mat"):
            load_dbstruct(path)


def test_refuses_a_wrong_checksum_before_scipy_sees_it(mat, refuses, monkeypatch):
    # SciPy unpacks while it reads, and damaged variables have made it end the whole process.
    def reached(*args, **kwargs):
        raise ValueError("reached")

    monkeypatch.setattr("scipy.io.loadmat", reached)
    path = mat(TWO_AND_ONE)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with refuses(ValueError, "not a complete MATLAB file.*check"):
        load_dbstruct(path)


def test_damaged_bytes_give_a_value_error_or_none(mat):
    path = mat(TWO_AND_ONE)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), size=3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            load_dbstruct(path)
        except ValueError as error:
            assert "set.mat" in str(error)
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "num_database", "num_queries"),
    [
        ("pitts30k_train", 10000, 7416),
        ("pitts30k_val", 10000, 7608),
        ("pitts30k_test", 10000, 6816),
        ("pitts250k_train", 91464, 7824),
        ("pitts250k_val", 78648, 7608),
        ("pitts250k_test", 83952, 8280),
        ("tokyo247", 75984, 315),
        ("tokyoTM_train", 49104, 7277),
        ("tokyoTM_val", 49056, 7186),
    ],
)
def test_reads_the_official_files(shared_data, refuses, name, num_database, num_queries):
    path = shared_data("dbstruct", f"{name}.mat")
    dataset = read_dbstruct(path, require_files=False)
    assert (len(dataset.database), len(dataset.queries)) == (num_database, num_queries)
    both = int((dataset.is_query & dataset.is_database).sum())
    assert both == (num_queries if "TM" in name else 0)
    assert (dataset.times_s is not None) == ("TM" in name)
    zone = [584000, 4476000] if "pitts" in name else [381000, 3945500]
    assert (np.abs(dataset.positions_m - zone) < 5000).all()
    if name == "pitts30k_val":
        with refuses(FileNotFoundError, "17608 of 17608 photos"):
            read_dbstruct(path)


@pytest.mark.parametrize("compress", [False, True])
def test_survives_damage(tmp_path, photos, survives_damage, compress):
    photos("images/a.jpg", "images/b.jpg", "queries/q.jpg")
    content = fields([("a.jpg", 1.0, 2.0), ("b.jpg", 3.0, 4.0)], [("q.jpg", 1.0, 2.0)])
    mat_path = tmp_path / "set.mat"
    savemat(mat_path, {"dbStruct": content}, do_compression=compress)
    survives_damage(lambda: read_dbstruct(mat_path, skip_unreadable=True), mat_path)


def test_zero_metres_among_utm_positions_are_no_position(mat, photos, refuses):
    east, north = 585001.0, 4477241.0
    path = mat(
        fields([("000/1.jpg", east, north), ("000/2.jpg", 0, 0)], [("q/1.jpg", east, north)])
    )
    photos("000/1.jpg", "000/2.jpg", "q/1.jpg")
    with refuses(ValueError, "No positions for 1 of 3 .*, 1 of them at 0, 0 .first: 000/2.jpg"):
        read_dbstruct(path)


def test_photos_that_are_not_named_are_counted(mat, photos, caplog):
    caplog.set_level("INFO")
    photos(*OF_BOTH_SIDES, "query/more.png")
    read_dbstruct(mat(NORDLAND))
    assert "1 photo beside those of" in caplog.text and "(first: query/more.png)" in caplog.text
