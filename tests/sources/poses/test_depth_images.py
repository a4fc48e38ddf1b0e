import pytest

from placevec.sources.poses.depth_images import without_depth_images

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1"
DEEP, GRAY = PNG + b"\x10\0", PNG + b"\x08\0"


@pytest.mark.parametrize(
    "name",
    [
        "depth/1.png", "aligned_depth_to_color/1.png", "cam0/depthMaps/1.png", "Masks/1.png",
        "frame-000001.depth.png", "1_label.png", "gt_labelIds/1.png", "semantic0/1.png",
        "DISPARITY/1.png", "instances/1.png", "invdepth/1.png", "skymask/1.png",
    ],
)  # fmt: skip
def test_a_word_in_the_name_tells_depth_masks_and_labels(tmp_path, name, caplog):
    assert without_depth_images(tmp_path, ["rgb/1.png", name]) == ["rgb/1.png"]
    assert (
        f"1 image in {tmp_path} is depth, a mask or a label (first: {name}): left out"
        in caplog.text
    )


@pytest.mark.parametrize(
    "name",
    [
        "color/1.png",
        "image_2/1.png",
        "normal/1.png",
        "segment_01/1.png",
        "labeled/1.png",
        "masked/1.png",
    ],
)
def test_other_names_are_those_of_photos(tmp_path, name):
    assert without_depth_images(tmp_path, [name]) == [name]


def test_a_folder_of_16_bit_gray_png_is_one_of_depth_unless_it_is_alone(tmp_path, photos):
    photos("a/1.png", "a/2.png", content=DEEP)
    photos("b/1.png", content=GRAY)
    photos("c/1.png", content=b"")
    assert without_depth_images(tmp_path, ["a/1.png", "a/2.png", "b/1.png", "c/1.png"]) == [
        "b/1.png", "c/1.png",
    ]  # fmt: skip
    assert without_depth_images(tmp_path, ["a/1.png"]) == ["a/1.png"]


def test_refuses_a_folder_without_other_images(tmp_path, refuses):
    with refuses(ValueError, "must hold photos. Received: 1 image .* is depth.*depth/1.png"):
        without_depth_images(tmp_path, ["depth/1.png"])
