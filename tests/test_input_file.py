"""Files that others wrote."""

import os
import socket

import pytest

from placevec.input_file import (
    open_input,
    open_text,
    parse_json,
    read_bytes,
    read_json,
    read_text,
    shown,
)


def test_opens_a_regular_file_and_a_link_to_one(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"abc")
    (tmp_path / "b.bin").symlink_to("a.bin")
    with open_input(tmp_path / "b.bin", max_bytes=3) as file:
        assert file.read() == b"abc"
    assert read_bytes(str(tmp_path / "a.bin"), max_bytes=3) == b"abc"


def test_refuses_what_is_no_regular_file_without_waiting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has at most about 100 characters
    os.mkfifo("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        os.symlink("/dev/zero", "device.jpg")
        os.mkdir("folder.jpg")
        for name in ("pipe", "socket", "device", "folder"):
            with pytest.raises(ValueError, match=rf"^{name}.jpg must be a regular .* a {name}"):
                open_input(f"{name}.jpg", max_bytes=9)


def test_a_link_to_itself_and_a_missing_file_are_errors_of_the_system(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "missing"):
        with pytest.raises(OSError, match=name):
            open_input(tmp_path / name, max_bytes=9)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_names_that_no_file_can_have_are_refused_in_one_safe_line(name):
    with pytest.raises(ValueError, match="cannot be the name") as refusal:
        open_input(name, max_bytes=9)
    assert str(refusal.value).isprintable()


def test_refuses_a_large_file_before_reading(tmp_path):
    with open(tmp_path / "sparse.jpg", "wb") as file:
        file.truncate(200 * 2**30)
    with pytest.raises(ValueError, match="at most 1,000 bytes. Received: 214,748,364,800"):
        read_bytes(tmp_path / "sparse.jpg", max_bytes=1000)


def test_text_is_utf_8_with_or_without_a_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf\xc3\xa4\r\nb\rc\n")
    assert read_text(path, max_bytes=99) == "ä\nb\nc\n"
    with open_text(path, max_bytes=99) as file:
        assert list(file) == ["ä\n", "b\n", "c\n"]
    with open_text(path, max_bytes=99, newline="") as file:
        assert file.read() == "ä\r\nb\rc\n"


def test_names_the_line_and_byte_of_another_encoding(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo\xe4\n")
    with pytest.raises(ValueError, match="a.txt must be UTF-8 .* byte 0xe4 in line 2"):
        read_text(path, max_bytes=99)
    path.write_bytes("ab".encode("utf-16"))
    with pytest.raises(ValueError, match="UTF-16"):
        read_text(path, max_bytes=99)


def test_reads_json(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, -2.5, null, true, "x"]}')
    assert read_json(tmp_path / "a.json", max_bytes=99) == {"a": [1, -2.5, None, True, "x"]}
    assert [parse_json(text, "a") for text in ("3", "null", '"x"')] == [3, None, "x"]
    deep = "[" * 100 + "]" * 100
    assert parse_json(deep, "a") == parse_json(deep.encode(), "a")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "Expecting value in line 1, column 1"),
        ('{"a": 1,\n', "line 2"),
        ("[" * 101 + "]" * 101, "at most 100 levels"),
        ('{"a":' * 200_000, "at most 100 levels"),
        ('{"a": 1, "a\\u0000": 2, "a": 3}', "'a' twice"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("[1e999]", "too large for a float"),
        ("[9223372036854775808]", "64 bits"),
        ("[" + "1" * 10_000 + "]", "64 bits"),
        (b"\xff", "byte 0xff in line 1"),
    ],
    ids=range(11),
)
def test_json_that_cannot_be_relied_on_is_refused_in_one_line(text, what):
    with pytest.raises(ValueError, match=r"^a\\x1b.json must .*" + what) as refusal:
        parse_json(text, "a\x1b.json")
    assert str(refusal.value).isprintable()


def test_what_is_shown_has_no_control_and_one_line():
    assert shown("Zürich 日本.jpg") == "Zürich 日本.jpg"
    assert shown("a\x1b]0;x\x07\u202e\udcff\r\n") == r"a\x1b]0;x\x07\u202e\udcff\r\n"
    assert shown("a" * 30 + ".jpg", longest=10) == "aaaaa...a.jpg"
