import pytest

from placevec.rendering.worlds.formats.mtl import Material, read_materials


def read(write, text):
    problems = []
    return read_materials(write("m.mtl", text), problems), problems


def test_reads_color_texture_and_transparency(write):
    materials, problems = read(
        write, "newmtl a b\nKd 0.5 0.25 2\nmap_Kd 'a b.png'\nmap_d leaf.png\nnewmtl plain\n"
    )
    assert materials == {
        "a b": Material((0.5, 0.25, 1.0), "a b.png", "leaf.png"),
        "plain": Material(),
    }
    assert not problems


@pytest.mark.parametrize(
    "options", ["-clamp on", "-s 2 2", "-o 0 0 0 -mm 0 1", "-blendu off -s 1 1 1 -texres 64"]
)
def test_options_before_a_name_are_skipped(write, options):
    materials, _ = read(write, f"newmtl a\nmap_Kd {options} my wall.png\n")
    assert materials["a"].texture == "my wall.png"


def test_broken_lines_are_counted(write):
    materials, problems = read(
        write, "Kd 1 1 1\nnewmtl a\nKd red\nKd nan 0 0\nKd 1 1\nmap_Kd\nmap_Kd -clamp on\nillum x\n"
    )
    assert materials == {"a": Material()}
    assert "6 lines" in problems[0] and "first: line 1" in problems[0]
