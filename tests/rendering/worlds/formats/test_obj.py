import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.rendering.worlds.formats.obj import read_obj

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def read(write, text):
    return read_obj(write("m.obj", text))


def test_a_polygon_becomes_a_fan(write):
    model = read(write, SQUARE + "f 1 2 3 4\n")
    expected = [[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]]
    np.testing.assert_array_equal(model.positions, expected)
    assert model.uvs.max() == 0 and model.tints.min() == 1 and not model.problems


def test_negative_numbers_count_from_the_last_corner(write):
    model = read(write, SQUARE + "f -4 -3 -2\nv 9 9 9\nf -1 -5 -4\n")
    np.testing.assert_array_equal(model.positions[0], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(model.positions[1], [[9, 9, 9], [0, 0, 0], [1, 0, 0]])


def test_corners_carry_texture_coordinates_in_all_spellings(write):
    model = read(write, SQUARE + "vt 0.25 0.5\nvn 0 0 1\nf 1/1 2//1 3/1/1\n")
    np.testing.assert_array_equal(model.uvs[0], [[0.25, 0.5], [0, 0], [0.25, 0.5]])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_will_do(write, ending):
    text = (SQUARE + "f 1 2 \\\n3 4\n").replace("\n", ending)
    assert len(read(write, text.encode()).positions) == 2


def test_colors_of_corners_tint_and_may_count_to_255(write):
    rows = [(0, 0, 0, 1, 0.5, 0), (1, 0, 0, 0, 0, 0), (0, 1, 0, 1, 1, 1)]
    for factor in (1, 255):
        lines = [
            "v " + " ".join(map(str, [*row[:3], *(factor * c for c in row[3:])])) for row in rows
        ]
        model = read(write, "\n".join(lines) + "\nf 1 2 3\n")
        np.testing.assert_allclose(model.tints[0], np.array(rows)[:, 3:], atol=1e-6)


def test_broken_lines_are_counted_and_keep_their_numbers(write):
    text = (
        "v 0 0 0\nv what\nv 1 0 0\nv 0 1 0\nf 1 3 4\nf 1 2 3\nf 1 3\nf 0 1 3\nf 1 3 99\nf x y z\n"
    )
    model = read(write, text)
    np.testing.assert_array_equal(model.positions, [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    assert model.problems == [
        "4 lines of m.obj cannot be read (first: line 2): left out",
        "2 of 3 triangles of m.obj with corners that are missing or not finite: left out",
    ]


@pytest.mark.parametrize("word", ["nan", "inf", "1e300", "1e9999"])
def test_corners_that_are_not_finite_are_left_out(write, word):
    model = read(write, SQUARE + f"v {word} 0 0\nf 1 2 3\nf 1 2 5\n")
    assert len(model.positions) == 1 and "1 of 2 triangles" in model.problems[0]


def test_numbers_too_large_for_any_file_are_left_out(write):
    model = read(write, SQUARE + f"f 1 2 {'9' * 30}\nf 1 2 {'9' * 5000}\nf 1 2 2147483647\n")
    assert len(model.positions) == 0 and len(model.problems) == 2


def test_a_texture_and_a_plain_color_share_one_file(write, wall):
    write("a.mtl", "newmtl m\nKd 0 0 0\nmap_Kd -s 1 1 1 -clamp on wall.png\nnewmtl n\nKd 1 0.5 0\n")
    model = read(write, wall.read_text() + "usemtl n\nf 1 2 3\n")
    assert [texture.shape for texture in model.textures] == [(8, 8, 3)] * 2
    np.testing.assert_array_equal(model.texture_of, [1, 1, 0])
    np.testing.assert_array_equal(model.tints[:, 0], [[1, 1, 1], [1, 1, 1], [1, 0.5, 0]])
    np.testing.assert_array_equal(model.textures[1][0, 0], [255, 0, 0])


def test_what_is_missing_is_reported_and_survived(write):
    model = read(write, SQUARE + "mtllib no.mtl\nusemtl gone\nf 1 2 3\n")
    assert len(model.positions) == 1
    assert "no material library 'no.mtl'" in model.problems[0]
    assert "no material 'gone': drawn white" in model.problems[1]


def test_a_picture_is_not_taken_for_a_missing_material_library(write, wall):
    model = read(write, SQUARE + "mtllib wall.mtl\nusemtl m\nf 1 2 3\n")
    assert "There is no material library 'wall.mtl'" in model.problems[0]


def test_what_is_called_a_sky_is_left_out(write):
    names = ["textures_skies_earth", "sky", "SkyBox2", "skyscraper", "husky"]
    text = SQUARE + "".join(f"usemtl {name}\nf 1 2 3\n" for name in names)
    model = read(write, "mtllib m.mtl\n" + text)
    assert len(model.positions) == 2


@given(data=st.data())
def test_damaged_files_give_a_model_or_one_line(tmp_path, write, wall, data):
    line = st.sampled_from(["v", "vt", "f", "usemtl", "mtllib", "newmtl", "Kd", "map_Kd", "\\"])
    word = st.sampled_from(["1", "-1", "1/1", "//", "nan", "1e999", "m", "../x", "\x00", "é", "/"])
    lines = st.lists(st.tuples(line, st.lists(word, max_size=5)), max_size=15)

    def text():
        return "\n".join(f"{kind} {' '.join(words)}" for kind, words in data.draw(lines))

    write("a.mtl", "newmtl m\nmap_Kd wall.png\n" + text())
    random_bytes = data.draw(st.binary(max_size=60))
    path = write("b.obj", (SQUARE + "mtllib a.mtl\nusemtl m\n" + text()).encode() + random_bytes)
    model = read_obj(path)
    count = len(model.positions)
    assert model.uvs.shape == (count, 3, 2) and model.tints.shape == (count, 3, 3)
    assert np.isfinite(model.positions).all() and np.isfinite(model.uvs).all()
    assert all("\n" not in problem for problem in model.problems)
    assert count == 0 or model.texture_of.max() < len(model.textures)


def test_each_library_and_texture_is_read_once_whatever_it_is_called(write, wall, monkeypatch):
    read = []
    monkeypatch.setattr(
        "placevec.rendering.worlds.formats.obj.read_materials",
        lambda path, problems: read.append(path.name) or {},
    )
    write("a.mtl", b"")
    names = [
        "a.mtl",
        "A.mtl",
        "./a.mtl",
        "x/../a.mtl",
        "a.mtl a.mtl",
        *(f"b{i}" for i in range(99)),
    ]
    text = "".join(f"mtllib {name}\n" for name in names * 50) + "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3"
    model = read_obj(write("a.obj", text.encode()))
    assert read == ["a.mtl"]
    assert len(model.problems) == 1 and "'b0' and 98 others" in model.problems[0]


def test_refuses_lines_and_models_beyond_the_limits(write, monkeypatch):
    with pytest.raises(ValueError, match="Line 2 of .*a.obj must have at most 1,000,000"):
        read_obj(write("a.obj", b"v 0 0 0\nf" + b" 1" * 500_000 + b"\n"))
    monkeypatch.setattr("placevec.rendering.worlds.formats.obj.MAX_TRIANGLES", 3)
    with pytest.raises(ValueError, match="a.obj must have at most .* triangles"):
        read_obj(write("a.obj", b"v 0 0 0\nf 1 1 1 1 1 1\n"))
    os.mkfifo(write("b.obj", b"").with_name("pipe.obj"))
    with pytest.raises(ValueError, match="pipe.obj must be a regular file"):
        read_obj(write("b.obj", b"").with_name("pipe.obj"))
