import numpy as np
import pytest
from scipy.io import savemat

from placevec.config import TupleConfig
from placevec.places.tuples import TupleSampler
from placevec.sources.benchmarks.pittsburgh import parse_cutout_name, read_pittsburgh


def cutouts(*panoramas):
    return [
        f"{panorama}_pitch{pitch}_yaw{yaw}.jpg"
        for panorama in panoramas
        for pitch in (1, 2)
        for yaw in range(1, 13)
    ]


def write_mat(path, names, positions_m):
    path.parent.mkdir(exist_ok=True)
    cells = np.empty((len(names), 1), dtype=object)
    cells[:, 0] = names
    fields = {
        "dbImageFns": cells,
        "utmDb": np.array(positions_m, dtype=float).T,
        "qImageFns": cells[:1],
        "utmQ": np.array([[9e5], [9e5]]),
    }
    savemat(path, {"dbStruct": fields}, do_compression=True)


def test_knows_the_place_by_folder_and_number(photos):
    root = photos(*cutouts("000/000001", "000/000002", "001/000001"), "datasets/readme.txt")
    dataset = read_pittsburgh(root)
    assert len(dataset) == 72
    assert dataset.positions_m is None
    assert dataset.names.tolist() == sorted(dataset.names.tolist())
    for name, place in zip(dataset.names, dataset.place_ids, strict=True):
        assert place == ["000/000001", "000/000002", "001/000001"].index(name[:10])
    assert len(dataset.queries) == len(dataset.database) == 72


def test_counts_headings_from_the_first_yaw_of_a_panorama(photos):
    dataset = read_pittsburgh(photos(*cutouts("000/000001", "000/000002")))
    for name, heading_deg in zip(dataset.names, dataset.headings_deg, strict=True):
        assert heading_deg == 30 * (parse_cutout_name(str(name)).yaw - 1)
    sampler = TupleSampler(
        dataset,
        **vars(
            TupleConfig(
                num_positives=5,
                num_negatives=24,
                positive_radius_m=10,
                negative_radius_m=25,
                max_heading_difference_deg=30,
            )
        ),
    )
    query = dataset.names.tolist().index("000/000001_pitch1_yaw1.jpg")
    views = [dataset.names[i][len("000/000001_") :] for i in sampler.positives(query)]
    yaws = ["pitch1_yaw12", "pitch1_yaw2", "pitch2_yaw1", "pitch2_yaw12", "pitch2_yaw2"]
    assert views == [f"{yaw}.jpg" for yaw in yaws]


def test_takes_folders_of_any_size_and_leaves_other_photos(photos, caplog):
    root = photos("7/000123_pitch1_yaw7.png", "7/cover.jpg", "other/000123_pitch1_yaw7.jpg")
    assert read_pittsburgh(root).names.tolist() == ["7/000123_pitch1_yaw7.png"]
    assert "1 photo in" in caplog.text


def test_looks_into_images(photos):
    root = photos("images/000/000123_pitch1_yaw7.jpg")
    dataset = read_pittsburgh(root)
    assert dataset.root == root / "images"
    assert dataset.path(0).is_file()


@pytest.mark.parametrize("folder", [".", "datasets"])
def test_takes_positions_from_all_mats(photos, folder):
    names = cutouts("000/000001", "000/000002")
    root = photos(*names)
    write_mat(root / folder / "train.mat", names[:24], [[1, 2]] * 24)
    write_mat(root / folder / "val.mat", names[12:], [[1, 2]] * 12 + [[3, 4]] * 24)
    savemat(root / folder / "clusters.mat", {"clsts": np.eye(3)})
    dataset = read_pittsburgh(root)
    expected = [[1, 2] if "000001" in name else [3, 4] for name in dataset.names]
    assert dataset.positions_m.tolist() == expected
    assert dataset.frame == "UTM"
    assert dataset.headings_deg is None
    assert len(set(dataset.place_ids.tolist())) == 2


def test_refuses_or_skips_photos_that_no_mat_knows(photos, refuses, caplog):
    names = cutouts("000/000001", "000/000002")
    root = photos(*names)
    write_mat(root / "train.mat", names[:24], [[1, 2]] * 24)
    with refuses(ValueError, "No positions for 24 of 48 photos.*000/000002"):
        read_pittsburgh(root)
    assert len(read_pittsburgh(root, skip_unreadable=True)) == 24
    write_mat(root / "train.mat", ["9/1_pitch1_yaw1.jpg"], [[1, 2]])
    assert read_pittsburgh(root).positions_m is None
    assert "contain none of its photos" in caplog.text


def test_refuses_mats_that_contradict_each_other(photos, refuses):
    names = cutouts("000/000001")
    root = photos(*names)
    write_mat(root / "a.mat", names, [[1, 2]] * 24)
    write_mat(root / "b.mat", names, [[1, 20]] * 24)
    with refuses(ValueError, "b.mat and another .mat"):
        read_pittsburgh(root)
    (root / "b.mat").write_bytes((root / "a.mat").read_bytes()[:300])
    with refuses(ValueError, "b.mat is not a complete MATLAB file"):
        read_pittsburgh(root)


def test_refuses_or_skips_empty_photos(photos, refuses):
    root = photos(*cutouts("000/000001"))
    photos("000/000001_pitch1_yaw1.jpg", content=b"")
    with refuses(FileNotFoundError, "1 of 24"):
        read_pittsburgh(root)
    assert len(read_pittsburgh(root, skip_unreadable=True)) == 23


def test_refuses_a_folder_without_cutouts(photos, refuses):
    with refuses(ValueError, "No cut-outs like"):
        read_pittsburgh(photos("000/a.jpg"))


@pytest.mark.parametrize(
    ("name", "cutout"),
    [
        ("000/000123_pitch1_yaw7.jpg", ("000/000123", 1, 7)),
        ("images/010/010999_pitch2_yaw12.png", ("images/010/010999", 2, 12)),
        ("5_pitch1_yaw1.jpg", ("5", 1, 1)),
    ],
)
def test_reads_names_of_cutouts(name, cutout):
    assert parse_cutout_name(name) == cutout


@pytest.mark.parametrize("name", ["000/a.jpg", "000/1_pitch1.jpg", "000/1_pitch1_yaw1", ""])
def test_refuses_other_names(refuses, name):
    with refuses(ValueError, "A cut-out's name must be like"):
        parse_cutout_name(name)


def test_survives_damage(photos, survives_damage):
    names = cutouts("000/000001", "000/000002")
    root = photos(*names)
    write_mat(root / "set.mat", names, np.zeros((len(names), 2)))
    survives_damage(lambda: read_pittsburgh(root, skip_unreadable=True), root / "set.mat")


def test_zero_metres_among_utm_positions_are_no_position(photos, refuses):
    names = cutouts("000/000001", "000/000002")
    root = photos(*names)
    write_mat(root / "train.mat", names, [[585001, 4477241]] * 24 + [[0, 0]] * 24)
    with refuses(ValueError, "No positions for 24 of 48 .*, 24 of them at 0, 0"):
        read_pittsburgh(root)
