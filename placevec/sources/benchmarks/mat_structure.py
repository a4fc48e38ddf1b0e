"""The structure of a variable in a MATLAB 5 file, checked before SciPy reads it.

SciPy trusts what the file says about its own parts: a wrong type or size can crash the process.
"""

import struct
import zlib

_MATRIX = 14
_INT8, _UINT8, _UINT16, _INT32, _UINT32 = 1, 2, 4, 5, 6
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_TEXTS = (_INT8, _UINT8, _UINT16, 16, 17, 18)
_CELL, _STRUCT, _CHAR, _OPAQUE = 1, 2, 4, 17
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_TAG_BYTES = 8
_DEEPEST = 8


def unpack(content: bytes, most_bytes: int) -> bytes:
    """Returns the content of a compressed variable, and verifies its checksum.

    Args:
        content: bytes. The variable without its tag.
        most_bytes: int. Maximum size of the content.

    Raises:
        ValueError: If it is damaged, or larger than that.
    """
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(content, most_bytes + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(data) > most_bytes:
        raise ValueError("its variables unpack to more than 1 GB")
    if not unpacker.eof:
        raise ValueError("a variable breaks off")
    return data


def check_structure(data: bytes, order: str, name: str) -> None:
    """Checks that the parts of a variable fit into it and into each other.

    Args:
        data: bytes. The variable with its tag, unpacked.
        order: str. `"<"` or `">"`, the byte order of numbers.
        name: str. The variable that will be read; only the header of others is checked.

    Raises:
        ValueError: If the variable is damaged, or has a kind that no table of photos needs.
    """
    try:
        start, stop = _Parts(data, order, 0, len(data)).take(_MATRIX)[1:]
        _check_matrix(_Parts(data, order, start, stop), name, depth=0)
    except (struct.error, OverflowError):
        raise ValueError("an array breaks off") from None


class _Parts:
    """The elements in a range of bytes, one after another."""

    def __init__(self, data: bytes, order: str, start: int, stop: int):
        self.data, self.order, self.at, self.stop = data, order, start, stop

    def take(self, *kinds: int) -> tuple[int, int, int]:
        """Returns kind, start and stop of the next element; its kind must be in `kinds`."""
        kind, size = struct.unpack_from(f"{self.order}II", self.data, self.at)
        start = self.at + _TAG_BYTES
        after = start + size + -size % 8
        if kind >> 16:  # a small element: its content is in the tag
            kind, size, start, after = kind & 0xFFFF, kind >> 16, self.at + 4, start
            if size > 4:
                raise ValueError("an array has a damaged tag")
        if kind not in kinds or start + size > self.stop:
            raise ValueError(f"an array of type {kind} where there must be another or its end")
        self.at = min(after, self.stop)
        return kind, start, start + size

    def ints(self, kind: int) -> tuple[int, ...]:
        """Returns the whole numbers of the next element."""
        _, start, stop = self.take(kind)
        letter = "i" if kind == _INT32 else "I"
        return struct.unpack_from(f"{self.order}{(stop - start) // 4}{letter}", self.data, start)


def _check_matrix(parts: _Parts, name: str | None, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("arrays are nested too deep")
    if parts.at == parts.stop and depth:  # an empty cell
        return
    flags = parts.ints(_UINT32)
    if len(flags) != 2:
        raise ValueError("an array has damaged flags")
    kind = flags[0] & 0xFF
    if kind == _OPAQUE and depth == 0:
        return
    shape = parts.ints(_INT32)
    if not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise ValueError("an array has a damaged shape")
    count = 1
    for side in shape:
        count *= side
    _, start, stop = parts.take(_INT8)
    if depth == 0 and name is not None and parts.data[start:stop] != name.encode():
        return
    _check_content(parts, kind, bool(flags[0] & _COMPLEX), count, depth)
    if depth and parts.at != parts.stop:
        raise ValueError("an array is shorter than it says")


def _check_content(parts: _Parts, kind: int, is_complex: bool, count: int, depth: int) -> None:
    if kind in _NUMBERS:
        for _ in range(1 + is_complex):
            item, start, stop = parts.take(*_ITEM_BYTES)
            if stop - start != count * _ITEM_BYTES[item]:
                raise ValueError("an array has another size than its shape")
    elif kind == _CHAR:
        _, start, stop = parts.take(*_TEXTS)
        if count > stop - start:
            raise ValueError("a text is shorter than its shape")
    elif kind in (_CELL, _STRUCT):
        fields = _num_fields(parts) if kind == _STRUCT else 1
        if count * max(fields, 1) > (parts.stop - parts.at) // _TAG_BYTES:
            raise ValueError("a list is longer than the data")
        for _ in range(count * fields):
            _, start, stop = parts.take(_MATRIX)
            _check_matrix(_Parts(parts.data, parts.order, start, stop), None, depth + 1)
    else:
        raise ValueError(f"it holds an array of class {kind}")


def _num_fields(parts: _Parts) -> int:
    lengths = parts.ints(_INT32)
    _, start, stop = parts.take(_INT8)
    if len(lengths) != 1 or lengths[0] < 1 or (stop - start) % lengths[0]:
        raise ValueError("a struct has damaged field names")
    return (stop - start) // lengths[0]
