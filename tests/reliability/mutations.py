"""Changes of files that a damaged disk, a careless program or an attacker could make."""

import os
import shutil
from pathlib import Path

import numpy as np

_BYTES = (
    b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 8,
    b"\x7f\xff\xff\xff", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"\x1f\x8b",
)  # fmt: skip
_TOKENS = (
    b"nan", b"inf", b"-inf", b"-1", b"0", b"1e999", b"-1e308", b"99999999999999999999999",
    b"2147483648", b"", b" ", b"1_0", b"1,5", b"0x10", b"true", b"null", b"NaN", b"[" * 5000,
    b"{\"a\":" * 3000, b"a" * 5000, b"9" * 5000, b"=1+1", b"\x1b[31m", b"\x1b]0;x\x07", b"\r",
    b"\x00",
    "\u202e\u2066".encode(), "\u0663".encode(), "\ud800".encode("utf-8", "surrogatepass"), b"\xe4",
    b"../../etc/passwd", b"/etc/passwd", b"C:\\a.jpg", b".", b"a\nb", b"\"", b"'", b"%s", b"{}",
    b"#", b"@", b",", b";", b"\t",
)  # fmt: skip


def mutate(root: Path, rng: np.random.Generator) -> str:
    """Changes one or two things below a folder.

    Args:
        root: Path. The folder.
        rng: np.random.Generator. Draws what is changed, and how.

    Returns:
        What was done, as text.
    """
    done = []
    for _ in range(1 + (rng.random() < 0.3)):
        files = sorted(path for path in root.rglob("*") if _is_small_file(path))
        if not files:
            break
        path = files[rng.integers(len(files))]
        kinds = (_structure, _bytes, _text, _text, _bytes)
        kind = kinds[rng.integers(len(kinds))]
        done.append(f"{path.relative_to(root)}: {kind(path, files, rng)}")
    return "; ".join(done)


def _is_small_file(path: Path) -> bool:
    """Returns whether a file can be changed, as those that were made huge cannot."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size < 2**20


def _bytes(path: Path, _: list[Path], rng: np.random.Generator) -> str:
    data = bytearray(path.read_bytes() or b"\0")
    edits = int(rng.choice([1, 1, 2, 4, 16]))
    how = ""
    for _ in range(edits):
        at = int(rng.integers(len(data) + 1))
        end = min(len(data), at + int(rng.integers(1, 9)))
        how = ("flip", "set", "insert", "delete", "repeat", "cut")[rng.integers(6)]
        if how == "flip" and at < len(data):
            data[at] ^= 1 << int(rng.integers(8))
        elif how == "set":
            value = _BYTES[rng.integers(len(_BYTES))]
            data[at : at + len(value)] = value
        elif how == "insert":
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        elif how == "delete":
            del data[at:end]
        elif how == "repeat":
            data[at:at] = data[at:end] * int(rng.choice([1, 3, 1000]))
        elif how == "cut" and edits == 1:
            del data[at:]
    path.write_bytes(data)
    return f"{edits} edits of bytes, the last {how}"


def _text(path: Path, _: list[Path], rng: np.random.Generator) -> str:
    data = path.read_bytes()
    how = ("token", "token", "token", "line", "lines", "encoding")[rng.integers(6)]
    if how == "token":
        separators = b',;\t \n"/[]{}:<>()'
        edges = [0, *(i for i, byte in enumerate(data[:20_000]) if byte in separators), len(data)]
        at = int(rng.integers(len(edges) - 1))
        token = _TOKENS[rng.integers(len(_TOKENS))]
        data = data[: edges[at] + (at > 0)] + token + data[edges[at + 1] :]
        how = f"token {token[:20]!r}"
    elif how in ("line", "lines"):
        lines = data.splitlines(keepends=True) or [b""]
        at, other = rng.integers(len(lines), size=2)
        change = ("drop", "repeat", "swap", "many")[rng.integers(4)]
        if change == "drop":
            del lines[at]
        elif change == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at:at] = [lines[at]] * (1 if change == "repeat" else 300)
        data, how = b"".join(lines), f"{change} a line"
    else:
        form = ("utf-16", "utf-32", "cp037", "crlf", "bom", "cr")[rng.integers(6)]
        text = data.decode("latin-1")
        changed = {
            "crlf": data.replace(b"\n", b"\r\n"),
            "cr": data.replace(b"\n", b"\r"),
            "bom": b"\xef\xbb\xbf" + data,
        }
        data = changed[form] if form in changed else text.encode(form, "replace")
        how = form
    path.write_bytes(data)
    return how


def _structure(path: Path, files: list[Path], rng: np.random.Generator) -> str:
    content = path.read_bytes()
    path.unlink()
    how = ("missing", "folder", "pipe", "loop", "device", "empty", "huge", "other", "link",
           "outside", "case")[rng.integers(11)]  # fmt: skip
    if how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "loop":
        path.symlink_to(path.name)
    elif how == "device":
        path.symlink_to("/dev/zero")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "huge":
        path.write_bytes(content)
        os.truncate(path, 2**40)
    elif how == "other":
        other = files[rng.integers(len(files))]
        path.write_bytes(content if other == path else other.read_bytes())
    elif how == "link":
        hidden = path.with_name(f".{path.name}")
        hidden.write_bytes(content)
        path.symlink_to(hidden.name)
    elif how == "outside":
        path.symlink_to("/etc/hostname")
    elif how == "case":
        path.with_name(path.name.swapcase()).write_bytes(content)
    return how


def restore(root: Path, pristine: Path) -> None:
    """Makes a folder what it was."""
    shutil.rmtree(root)
    shutil.copytree(pristine, root)
