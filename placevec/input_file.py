"""Opens files that others wrote: only regular files, and none above a stated size."""

import io
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_DEPTH = 100
_LARGEST_INTEGER = 2**63
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_input(path: Path | str, *, max_bytes: int) -> io.BufferedReader:
    """Opens a file for reading if it is a regular file of at most a given size.

    Links are followed. Pipes, devices and sockets are refused without being opened, because
    reading them can wait forever or never end.

    Args:
        path: Path. The file.
        max_bytes: int. Largest size that is accepted.

    Returns:
        The file, opened as bytes and buffered.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If `path` is not a regular file, or is larger than `max_bytes`.
        OSError: If it cannot be opened.
    """
    try:
        status = os.stat(path)
    except ValueError as error:  # a null character, a lone surrogate
        raise ValueError(f"{shown(path)} cannot be the name of a file: {error}") from None
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no file {shown(path)}. Check its folder and name"
        ) from None
    _require_regular(path, status)
    # O_NONBLOCK, because a pipe could take the place of the file before it is opened.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status)
        if status.st_size > max_bytes:
            raise ValueError(
                f"{shown(path)} must have at most {max_bytes:,} bytes. Received: "
                f"{status.st_size:,}. Check that it is the file you mean, or split it"
            )
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def open_text(
    path: Path | str, *, max_bytes: int, newline: str | None = None, errors: str = "strict"
) -> io.TextIOWrapper:
    """Opens a UTF-8 text file as `open_input` does; a byte order mark is skipped.

    Args:
        path: Path. The file.
        max_bytes: int. Largest size that is accepted.
        newline: str or None. As in `open`; `csv` needs `""`. Defaults to `None`.
        errors: str. As in `open`. Defaults to `"strict"`.

    Returns:
        The file, opened as text.

    Raises:
        ValueError: As for `open_input`.
        OSError: If it does not exist or cannot be opened.
    """
    file = open_input(path, max_bytes=max_bytes)
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline, errors=errors)


def bounded_lines(file: io.TextIOWrapper, source: object, *, longest: int) -> Iterator[str]:
    """Yields the lines of an open text file, each with its line end.

    Args:
        file: File of text.
        source: Name of the file, for the error.
        longest: int. Largest number of characters in a line.

    Raises:
        ValueError: If a line is longer. Nothing beyond `longest` characters is read.
    """
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise ValueError(
                f"Line {number} of {shown(source)} must have at most {longest:,} characters. Check "
                "that it is the file you mean"
            )
        yield line


def read_bytes(path: Path | str, *, max_bytes: int) -> bytes:
    """Returns all bytes of a file, opened as `open_input` does."""
    with open_input(path, max_bytes=max_bytes) as file:
        return file.read(os.fstat(file.fileno()).st_size)


def read_text(path: Path | str, *, max_bytes: int) -> str:
    r"""Returns the text of a UTF-8 file, with `\n` at the end of each line.

    Args:
        path: Path. The file, with or without a byte order mark.
        max_bytes: int. Largest size that is accepted.

    Raises:
        ValueError: As for `open_input`, or if the file is not UTF-8; the message names the line
            and the byte.
        OSError: If it does not exist or cannot be opened.
    """
    return decode_text(read_bytes(path, max_bytes=max_bytes), str(path))


def decode_text(data: bytes, source: str) -> str:
    r"""Returns UTF-8 text with `\n` at the end of each line.

    Args:
        data: bytes. The text, with or without a byte order mark.
        source: str. Name of the file that holds it, for the error.

    Raises:
        ValueError: If it is not UTF-8. The message names the line and the byte.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = _BYTE_ORDER_MARKS.get(data[:2])
        line = data.count(b"\n", 0, error.start) + 1
        received = what or f"byte 0x{data[error.start]:02x} in line {line}"
        raise ValueError(
            f"{shown(source)} must be UTF-8 text. Received: {received}. Save it as UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path | str, *, max_bytes: int) -> Any:
    """Returns the value of a JSON file.

    Args:
        path: Path. The file, UTF-8.
        max_bytes: int. Largest size that is accepted.

    Raises:
        ValueError: As for `read_text` and `parse_json`.
        OSError: If it does not exist or cannot be opened.
    """
    return parse_json(read_bytes(path, max_bytes=max_bytes), str(path))


def parse_json(text: str | bytes, source: str) -> Any:
    """Returns the value of a JSON text that someone else wrote.

    It refuses values that JSON does not have (NaN, Infinity), a name that occurs twice in one
    object (readers disagree on it), numbers that fit neither a 64-bit integer nor a float, and
    more than 100 levels of objects and lists.

    Args:
        text: str or bytes. The text; bytes are UTF-8.
        source: str. Name of the file that holds it, for the error.

    Raises:
        ValueError: If the text is refused. The message is one line and names `source`.
    """
    if isinstance(text, bytes):
        text = decode_text(text, source)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_once_each,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_of_64_bits,
        )
        is_deep = _is_deep(value)
    except RecursionError:
        is_deep = True
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{shown(source)} must be JSON. Received: {error.msg} in line {error.lineno}, "
            f"column {error.colno}"
        ) from None
    except ValueError as error:
        raise ValueError(f"{shown(source)} must be JSON. Received: {error}") from None
    if is_deep:
        raise ValueError(f"{shown(source)} must nest at most {MAX_DEPTH} levels. Received: more")
    return value


def shown(text: object, *, longest: int = 400) -> str:
    r"""Returns foreign text as one line that is safe in a message, a table and a terminal.

    Control characters, escapes, line ends, direction marks, surrogates and other characters that
    do not print become `\x1b`, `\u202e` and the like. A long text keeps its beginning and its end.

    Args:
        text: A name, a path or another value from outside.
        longest: int. Number of characters to keep. Defaults to `400`.

    Example:

    >>> print(shown("a\x1b[31m.jpg\n"))
    a\x1b[31m.jpg\n
    """
    text = str(text)
    if len(text) > longest:
        head = longest // 2
        text = f"{text[:head]}...{text[len(text) - (longest - head) :]}"
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def _require_regular(path: Path | str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((kind for test, kind in _KINDS if test(status.st_mode)), "something else")
    raise ValueError(f"{shown(path)} must be a regular file. Received: {kind}")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"the name {shown(twice, longest=60)!r} twice in one object")
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"{name}, which JSON does not have")


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"the number {shown(text, longest=40)}, too large for a float")
    return number


def _of_64_bits(text: str) -> int:
    if len(text) > 20 or not -_LARGEST_INTEGER <= int(text) < _LARGEST_INTEGER:
        raise ValueError(f"the integer {shown(text, longest=40)}, too large for 64 bits")
    return int(text)


def _is_deep(value: Any) -> bool:
    """Returns whether lists and objects nest deeper than `MAX_DEPTH`, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
