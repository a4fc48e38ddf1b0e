import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources import open_places
from placevec.sources.reconstructions.colmap import read_colmap, recognize_colmap
from placevec.sources.reconstructions.colmap_model import read_fields_of_view, read_images

# Cameras in a world with y down: the first looks along z, the second along x, both at (4, 1, 2).
HALF = 0.70710678
IMAGES = [
    (7, (1.0, 0.0, 0.0, 0.0), (-4.0, -1.0, -2.0), 1, "b.png", [5, -1, 9, 5]),
    (8, (HALF, 0.0, -HALF, 0.0), (2.0, -1.0, -4.0), 2, "a/a.png", []),
]
CAMERAS = [
    (1, "PINHOLE", 640, 480, (320.0, 300.0, 320.0, 240.0)),
    (2, "OPENCV_FISHEYE", 1000, 480, (500.0, 500.0, 320.0, 240.0, 0.0, 0.0, 0.0, 0.0)),
]
NUMBERS = {"PINHOLE": 1, "OPENCV_FISHEYE": 5}


def text_model(images=IMAGES, cameras=CAMERAS):
    lines = ["# Image list", "# two lines each"]
    for number, quaternion, translation, camera, name, points in images:
        lines.append(" ".join(map(str, [number, *quaternion, *translation, camera, name])))
        lines.append(" ".join(f"1.5 2.5 {point}" for point in points))
    camera_lines = ["# Camera list"]
    for number, model, width, height, parameters in cameras:
        camera_lines.append(" ".join(map(str, [number, model, width, height, *parameters])))
    return {
        "images.txt": ("\n".join(lines) + "\n").encode(),
        "cameras.txt": ("\n".join(camera_lines) + "\n").encode(),
    }


def binary_model(images=IMAGES, cameras=CAMERAS):
    parts = [struct.pack("<Q", len(images))]
    for number, quaternion, translation, camera, name, points in images:
        parts.append(struct.pack("<I7dI", number, *quaternion, *translation, camera))
        parts.append(name.encode() + b"\0" + struct.pack("<Q", len(points)))
        parts += [struct.pack("<ddq", 1.5, 2.5, point) for point in points]
    camera_parts = [struct.pack("<Q", len(cameras))]
    for number, model, width, height, parameters in cameras:
        model = NUMBERS.get(model, model)
        camera_parts.append(struct.pack("<IiQQ", number, model, width, height))
        camera_parts.append(struct.pack(f"<{len(parameters)}d", *parameters))
    return {"images.bin": b"".join(parts), "cameras.bin": b"".join(camera_parts)}


@pytest.fixture
def model(photos):
    def write(content, folder="sparse/0"):
        root = photos("images/b.png", "images/a/a.png")
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (root / folder / name).write_bytes(data)
        return root

    return write


@pytest.mark.parametrize("content", [text_model(), binary_model()], ids=["text", "binary"])
@pytest.mark.parametrize("inside", ["", "sparse", "sparse/0"])
def test_reads_text_and_binary_alike(model, content, inside):
    dataset = read_colmap(model(content) / inside)
    assert dataset.names.tolist() == ["a/a.png", "b.png"]
    np.testing.assert_allclose(dataset.positions_m, [[4, 2], [4, 2]], atol=1e-6)
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-5)
    np.testing.assert_allclose(dataset.altitudes_m, [-1, -1], atol=1e-6)
    np.testing.assert_allclose(dataset.fields_of_view_deg, [114.591559, 90], atol=1e-5)
    assert dataset.points_seen.toarray().tolist() == [[False, False], [True, True]]
    assert dataset.frame == "SLAM units"
    assert dataset.times_s is None and dataset.sequence_ids is None
    assert all(path.is_file() for path in dataset.paths())


def test_photos_share_the_columns_of_the_points_that_both_show(model):
    images = [
        (1, *IMAGES[0][1:4], "b.png", [5, 9, -1]),
        (2, *IMAGES[0][1:4], "a/a.png", [9, 2**40]),
    ]
    seen = read_colmap(model(binary_model(images))).points_seen.toarray().astype(int)
    assert seen.shape == (2, 3)
    assert (seen @ seen.T).tolist() == [[2, 1], [1, 2]]


def test_a_center_is_minus_the_turned_back_translation(model):
    generator = np.random.default_rng(0)
    x, y, z, w = quaternion = generator.normal(size=4) * 0.1 + [0, 0, 0, 1]
    x, y, z, w = quaternion / np.linalg.norm(quaternion)
    translation = generator.normal(size=3)
    matrix = [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
    center = [-sum(matrix[row][axis] * translation[row] for row in range(3)) for axis in range(3)]
    images = [(1, (w, x, y, z), tuple(translation), 1, "b.png", [])]
    dataset = read_colmap(f"{model(text_model(images))},up=-y")
    np.testing.assert_allclose(dataset.positions_m[0], [center[0], center[2]], atol=1e-9)
    np.testing.assert_allclose(dataset.altitudes_m[0], -center[1], atol=1e-9)
    assert dataset.points_seen is None


def test_takes_photos_from_a_named_folder(model, photos, refuses):
    root = model(text_model(), "work")
    photos("far/b.png", "far/a/a.png")
    assert read_colmap(f"{root}/work,images={root}/far").root == root / "far"
    (root / "images").rename(root / "elsewhere")
    with refuses(FileNotFoundError, "a folder `images` beside it.*images=DIR"):
        read_colmap(root / "work")


def test_refuses_several_models(model, refuses):
    root = model(text_model())
    model(text_model(), "sparse/1")
    with refuses(ValueError, "different origins. Received: 2 in .*Name one, .*sparse/0"):
        read_colmap(root)
    assert len(read_colmap(root / "sparse" / "1")) == 2
    model(text_model(), "sparse/1/0")
    assert len(read_colmap(root / "sparse" / "1")) == 2


def test_refuses_or_skips_missing_photos_and_poses(model, refuses, caplog):
    images = [*IMAGES, (9, (0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1, "b2.png", [])]
    root = model(text_model(images))
    with refuses(FileNotFoundError, "Missing or empty: 1 of 3"):
        read_colmap(root)
    (root / "images" / "b2.png").write_bytes(b"photo")
    with refuses(ValueError, "No pose for 1 of 3 photos.*b2.png"):
        read_colmap(root)
    assert len(read_colmap(root, skip_unreadable=True)) == 2
    assert "No pose for 1 of 3" in caplog.text


def test_refuses_cameras_that_point_every_way_unless_told_what_is_up(model, refuses):
    flipped = (8, (0.0, 0.0, 0.0, 1.0), (4.0, 1.0, -2.0), 2, "a/a.png", [])
    root = model(binary_model([IMAGES[0], flipped]))
    with refuses(ValueError, "held level.*up=z"):
        read_colmap(root)
    np.testing.assert_allclose(read_colmap(f"{root},up=-y").headings_deg, [0, 0], atol=1e-5)


def test_a_camera_of_an_unknown_model_has_no_field_of_view(model, caplog):
    cameras = [CAMERAS[0], (2, 99, 640, 480, (1.0,))]
    dataset = read_colmap(model(binary_model(cameras=cameras)))
    np.testing.assert_allclose(dataset.fields_of_view_deg, [np.nan, 90])
    assert "camera model 99 is not known" in caplog.text


def test_names_may_hold_blanks(model, photos):
    photos("images/the view.png")
    root = model(text_model([(*IMAGES[0][:4], "the view.png", [])]))
    assert read_colmap(root).names.tolist() == ["the view.png"]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("images.txt", b"", "must hold images. Received: none"),
        ("images.txt", b"1 2 3\n\n", "Line 1 of .*ID QW QX"),
        ("images.txt", b"1 1 0 0 0 0 0 0 1 b.png\n1.5 2.5 x\n", "Line 2 of .*`X Y POINT` or empty"),
        ("images.txt", b"1 1 0 0 0 0 0 0 1 b.png\n1.5 2.5\n", "Line 2 of"),
        ("images.txt", b"1 1 0 0 0 0,5 0 0 1 b.png\n\n", "Line 1 of .* Received: decimal commas"),
        ("images.txt", b"1 1 0 0 0 0 0 0 1 ../b.png\n\n", "stay inside"),
        ("images.bin", binary_model([(*IMAGES[0][:4], "a\nb.png", [])])["images.bin"], "control"),
        ("images.txt", b"\xff\xff", "not UTF-8 text"),
        ("images.txt", b"1 1 0 0 0 1_0 0 0 1 b.png\n\n", "Line 1 of"),
        ("cameras.txt", b"1 PINHOLE 6_40 480 9 9 3 2\n", "Line 1 of"),
        ("cameras.txt", b"1 PINHOLE\n", "Line 1 of .*ID MODEL WIDTH"),
        ("images.bin", b"", "is empty"),
        ("images.bin", struct.pack("<Q", 2**60), "not a complete file of COLMAP: it has 8 bytes"),
        ("images.bin", b"\1\0\0\0\0\0\0\0" + b"a" * 90, "a name without an end"),
        ("images.bin", binary_model()["images.bin"][:-1], "not a complete file"),
        ("images.bin", binary_model()["images.bin"] + b"a", "Received: 2 images, and more from"),
        ("cameras.bin", binary_model()["cameras.bin"][:-1], "not a complete file"),
    ],
)
def test_refuses_bad_files(model, refuses, name, content, match):
    files = (text_model() if name.endswith("txt") else binary_model()) | {name: content}
    with refuses(ValueError, match):
        read_colmap(model(files))


def test_never_allocates_what_a_file_claims(model, refuses):
    content = bytearray(binary_model()["images.bin"])
    at = content.index(b"b.png\0") + len(b"b.png\0")
    content[at : at + 8] = struct.pack("<Q", 2**58)
    with refuses(ValueError, f"Received: {2**58} items"):
        read_images(model({"images.bin": bytes(content)}) / "sparse" / "0")


def test_an_unknown_lens_and_a_focal_length_of_nothing_give_no_field_of_view(model):
    cameras = [(1, "FOV", 640, 480, (300, 300, 1, 1, 1)), (2, "PINHOLE", 640, 480, (0, 0, 1, 1))]
    assert read_fields_of_view(model(text_model(cameras=cameras)) / "sparse" / "0") == {}


def test_a_file_of_fewer_images_than_it_says_is_told(model, caplog):
    text = b"# Number of images: 3, mean observations per image: 2\n" + text_model()["images.txt"]
    assert len(read_colmap(model(text_model() | {"images.txt": text}))) == 2
    assert "says that it has 3 images. Received: 2" in caplog.text


def test_images_without_lines_of_points_are_all_read(model, photos, caplog):
    """Poses of whole numbers look like points at first sight."""
    photos("images/a.jpg", "images/b c.jpg", "images/d.jpg")
    lines = ["1 1 0 0 0 0 0 0 1 a.jpg", "2 1 0 0 0 -1 0 0 1 b c.jpg", "3 1 0 0 0 -2 0 0 1 d.jpg"]
    for text, without in (
        ("\n".join(lines), 3),
        ("\n".join([*lines[:2], "1.5 2.5 7", lines[2]]), 2),
        ("\n\n".join(lines) + "\n\n", 0),
    ):
        caplog.clear()
        dataset = read_colmap(model(text_model() | {"images.txt": text.encode()}))
        assert dataset.names.tolist() == ["a.jpg", "b c.jpg", "d.jpg"]
        assert dataset.positions_m[:, 0].tolist() == [0, 1, 2]
        assert (f"{without} of 3 images" in caplog.text) == (without > 0)
        assert (dataset.points_seen is None) == (without != 2)


@pytest.mark.parametrize("content", [text_model(), binary_model()], ids=["text", "binary"])
def test_is_recognized(model, content):
    root = model(content)
    assert recognize_colmap(root) == f"a COLMAP model, {next(iter(content))}"
    assert open_places(str(root)).frame == "SLAM units"


@given(
    st.sampled_from([text_model(), binary_model()]),
    st.integers(0, 1),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=6),
    st.integers(0, 999),
    st.binary(max_size=99),
)
def test_damaged_files_end_in_one_line(
    model, survives, damage, content, which, edits, length, noise
):
    name = sorted(content)[which]
    for data in (damage(content[name], edits, length), damage(content[name], edits, -1), noise):
        folder = model(content | {name: data}) / "sparse" / "0"
        survives(read_colmap, folder)
        recognize_colmap(folder)
        for file in folder.iterdir():
            file.unlink()


def test_text_and_binary_of_one_model_as_its_makers_wrote_them(shared_data, refuses):
    folder = shared_data("formats", "colmap_maupertuis")
    text, binary = (open_places(f"colmap:{folder}/{name}") for name in ("sparse_txt", "sparse_bin"))
    assert text.names.tolist() == ["00.jpg", "01.jpg", "02.jpg", "03.jpg"]
    np.testing.assert_allclose(text.positions_m, binary.positions_m, atol=1e-4)
    assert (text.points_seen != binary.points_seen).nnz == 0
    with refuses(FileNotFoundError, "Received: some in sparse_bin, sparse_txt. Name one"):
        read_colmap(folder)
