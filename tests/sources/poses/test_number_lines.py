import pytest

from placevec.sources.poses.number_lines import column_names, first_numbers, read_numbers


def test_reads_the_first_numbers_of_each_line(tmp_path):
    (tmp_path / "n.txt").write_text("# x y\n1 2 left alone\n\n  # more\n3,4e1,5,6\n-5, nan;7;8\n")
    numbers = read_numbers(tmp_path / "n.txt", 2, exactly=False)
    assert numbers[:2].tolist() == [[1, 2], [3, 40]]
    assert numbers[2, 0] == -5 and numbers[2, 1] != numbers[2, 1]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "2 numbers per line. Received: no line"),
        (b"1 2\n3\n", "Line 2 of .*n.txt must hold 2 numbers. Received: 1, '3'"),
        (b"1 two\n", "Line 1 .* Received: 'two' for a number"),
        (b"1 2 3\n", "Line 1 of .*n.txt must hold 2 numbers. Received: 3"),
        (b"1,,2\n", "Received: '' for a number"),
        (b"1,5 2,5\n", "Received: decimal commas, '1,5 2,5'. Write decimal points"),
        (b"1,5;2,5\n", "Received: decimal commas"),
        (b"1,5,2,5\n", "must hold 2 numbers. Received: 4"),
        (b"1 2\nx y\n", "Line 2 .* Received: 'x' for a number"),
        (b"1 1_000\n", "Received: '1_000' for a number"),
        (b"\xff\xfe1 2\n", "not UTF-8 text"),
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


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf1 2\n3 4\n",
        b"1\t2\r\n3\t4\r\n",
        b"# x y\n1;2;\n3;4;\n",
        b"x,y\n1, 2\n3, 4",
        b"1 2 # first\r3 4\r",
    ],
)
def test_marks_ends_of_lines_separators_and_a_header_do_not_matter(tmp_path, content):
    (tmp_path / "n.txt").write_bytes(content)
    assert read_numbers(tmp_path / "n.txt", 2).tolist() == [[1, 2], [3, 4]]
    assert first_numbers(tmp_path / "n.txt") == [1, 2]


def test_reads_the_names_of_columns_without_their_units(tmp_path):
    text = "# made manually\n#timestamp [ns], p_RS_R_x [m], q_RS_w []\n1,2,3\n# x y\n"
    (tmp_path / "n.txt").write_text(text)
    assert column_names(tmp_path / "n.txt") == ["timestamp", "p_rs_r_x", "q_rs_w"]
    (tmp_path / "n.txt").write_text("1,2,3\n")
    assert column_names(tmp_path / "n.txt") == []


def test_infinity_as_windows_writes_it_is_not_a_comment(tmp_path):
    (tmp_path / "n.txt").write_text("-1.#INF 2 # far\n1.#QNAN 3\n-1.#IND00 4\n")
    numbers = read_numbers(tmp_path / "n.txt", 2)
    assert numbers[:, 1].tolist() == [2, 3, 4]
    assert (numbers[:, 0] != numbers[:, 0]).all()
