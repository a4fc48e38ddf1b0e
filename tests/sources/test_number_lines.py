import pytest

from placevec.sources.number_lines import read_numbers


def test_reads_the_first_numbers_of_each_line(tmp_path):
    (tmp_path / "n.txt").write_text("# x y\n1 2 left alone\n\n  # more\n3,4e1\n-5, nan\n")
    numbers = read_numbers(tmp_path / "n.txt", 2)
    assert numbers[:2].tolist() == [[1, 2], [3, 40]]
    assert numbers[2, 0] == -5 and numbers[2, 1] != numbers[2, 1]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "2 numbers a line. Received: no line"),
        (b"1 2\n3\n", "Line 2 of .*n.txt must hold 2 numbers. Received: '3'"),
        (b"1 two\n", "Line 1"),
        (b"\xff\xfe1 2\n", "no text in UTF-8"),
        (b"1" * 20_000, "Line 1 of .* is too long"),
    ],
)
def test_refuses_what_is_no_row_of_numbers(tmp_path, refuses, content, match):
    (tmp_path / "n.txt").write_bytes(content)
    with refuses(ValueError, match):
        read_numbers(tmp_path / "n.txt", 2)


def test_refuses_a_missing_file(tmp_path, refuses):
    with refuses(FileNotFoundError, "n.txt does not exist"):
        read_numbers(tmp_path / "n.txt", 2)
