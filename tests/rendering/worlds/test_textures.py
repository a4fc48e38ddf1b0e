import os
import struct

import numpy as np
import pytest
from PIL import Image

from placevec.rendering.worlds.textures import TextureFolder, fit_texture


def picture(rows, cols, color=(10, 200, 30)):
    return np.full((rows, cols, 3), color, np.uint8)


def test_a_name_is_found_whatever_its_case_and_quotes(write, tmp_path):
    path = write("Sub/Wall.PNG", picture(8, 8))
    folder = TextureFolder(tmp_path)
    for name in (
        "Sub/Wall.PNG",
        "sub/wall.png",
        "sub\\wall.png",
        '"Sub/wall.png"',
        "./sub/wall.png",
    ):
        assert folder.find(name) == path
    assert folder.find("wall.png") is None and folder.find("") is None


def test_a_picture_of_another_suffix_stands_for_a_texture_and_for_nothing_else(write, tmp_path):
    write("Wall.PNG", picture(8, 8))
    folder = TextureFolder(tmp_path)
    for name in ("wall.tga", "wall.dds", "Wall"):
        assert folder.read(name).shape == (8, 8, 3) and folder.problems == []
    assert folder.find("wall.bin") is None and folder.find("wall.mtl") is None


def test_nothing_outside_the_folder_is_found(write, tmp_path):
    write("secret.png", picture(8, 8))
    inside = write("model/wall.png", picture(8, 8))
    os.symlink(tmp_path / "secret.png", tmp_path / "model" / "link.png")
    os.symlink(tmp_path, tmp_path / "model" / "up")
    folder = TextureFolder(tmp_path / "model")
    for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png", "up/secret.png"):
        assert folder.find(name) is None
    for name in ("../wall.png", "C:\\maps\\wall.png", "/maps/wall.png"):
        assert folder.find(name) == inside


@pytest.mark.parametrize("suffix", ["png", "jpg", "tga", "bmp", "dds", "webp", "tif"])
def test_reads_all_forms(tmp_path, suffix):
    Image.fromarray(picture(8, 16)).save(tmp_path / f"a.{suffix}")
    pixels = TextureFolder(tmp_path).read(f"a.{suffix}")
    assert pixels.shape == (8, 16, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - (10, 200, 30)).max() < 8


def test_reads_gray_palette_and_16_bit_pictures(tmp_path):
    gray = np.full((8, 8), 77, np.uint8)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    palette = Image.fromarray(picture(8, 8)).convert("P")
    palette.save(tmp_path / "palette.png", transparency=int(np.array(palette)[0, 0]))
    folder = TextureFolder(tmp_path)
    for name in ("gray.png", "deep.png"):
        np.testing.assert_array_equal(folder.read(name), np.full((8, 8, 3), 77))
    assert (
        folder.read("palette.png").shape == (8, 8, 4) and folder.read("palette.png")[0, 0, 3] == 0
    )


def test_a_second_picture_says_what_is_transparent(write, tmp_path):
    write("leaf.png", picture(16, 16))
    mask = picture(8, 8, (255, 255, 255))
    mask[:4] = 0
    write("mask.png", mask)
    pixels = TextureFolder(tmp_path).read("leaf.png", "mask.png")
    assert pixels.shape == (16, 16, 4)
    assert (pixels[:8, :, 3] == 0).all() and (pixels[8:, :, 3] == 255).all()


def test_missing_and_broken_textures_are_reported_once(write, tmp_path):
    write("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(40))
    folder = TextureFolder(tmp_path)
    for _ in range(2):
        assert folder.read("gone.png") is None and folder.read("broken.png") is None
    assert len(folder.problems) == 2
    assert "no texture 'gone.png'" in folder.problems[0]
    assert "cannot be read" in folder.problems[1]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((8, 8), (8, 8)), ((100, 30), (128, 32)), ((3, 999), (4, 64)), ((1, 1), (1, 1))],
)
def test_sides_become_powers_of_two_within_the_bound(size, expected):
    assert fit_texture(picture(*size), 64).shape[:2] == tuple(min(64, side) for side in expected)


def test_a_file_is_read_once_whatever_it_is_called(write, tmp_path):
    write("a.png", picture(8, 8))
    folder = TextureFolder(tmp_path)
    first = folder.read("a.png")
    for name in ("A.PNG", "./a.png", "x/../a.png", "a.jpg", "elsewhere/a.png"):
        assert folder.read(name) is first


def test_tags_that_share_their_bytes_are_a_problem_and_no_memory(write, tmp_path):
    entries = b"".join(struct.pack("<HHII", 0x9000 + i, 7, 50_000, 8) for i in range(4000))
    write("a.tif", b"II*\0" + struct.pack("<IH", 8, 4000) + entries + bytes(20_000))
    folder = TextureFolder(tmp_path)
    assert folder.read("a.tif") is None
    assert "tags that claim" in folder.problems[0]
