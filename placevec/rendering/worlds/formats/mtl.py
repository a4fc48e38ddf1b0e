"""Reads the material libraries of OBJ files."""

from dataclasses import dataclass, replace
from pathlib import Path

from placevec.counted import counted
from placevec.input_file import open_text, shown

_MAX_BYTES = 100_000_000
_PLAIN = (0.8, 0.8, 0.8)
_ONE_WORD = ("-blendu", "-blendv", "-boost", "-cc", "-clamp", "-imfchan", "-texres", "-type", "-bm")
_NUMBERS = {"-mm": 2, "-o": 3, "-s": 3, "-t": 3}


@dataclass(frozen=True)
class Material:
    """The look of a face.

    Args:
        color: (r, g, b) in [0, 1].
        texture: str or None. Name of the picture, as the file gives it.
        alpha_texture: str or None. Name of the picture of its transparency.
    """

    color: tuple[float, float, float] = _PLAIN
    texture: str | None = None
    alpha_texture: str | None = None


def read_materials(path: Path, problems: list[str]) -> dict[str, Material]:
    """Reads a material library: `newmtl`, `Kd`, `map_Kd` and `map_d`; the rest is left out.

    Args:
        path: Path. The file.
        problems: list of str. Lines that cannot be read are reported here.

    Returns:
        The materials by name.
    """
    materials: dict[str, Material] = {}
    current, broken = None, []
    with open_text(path, max_bytes=_MAX_BYTES, errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            words = line.split()
            try:
                if words and words[0] == "newmtl":
                    current = " ".join(words[1:])
                    materials[current] = Material()
                elif words and words[0] in _SETTERS:
                    if current is None:
                        raise ValueError("no material")
                    materials[current] = _SETTERS[words[0]](materials[current], words[1:])
            except ValueError:
                broken.append(number)
    if broken:
        problems.append(
            f"{counted(len(broken), 'line')} of {shown(path)} cannot be read (first: line "
            f"{broken[0]}): left out"
        )
    return materials


def _set_color(material: Material, words: list[str]) -> Material:
    values = [float(word) for word in words[:3]]
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not all(abs(value) < 1e6 for value in values):
        raise ValueError("no color")
    return replace(material, color=tuple(min(1.0, max(0.0, value)) for value in values))


def _set_texture(material: Material, words: list[str]) -> Material:
    return replace(material, texture=_file_name(words))


def _set_alpha_texture(material: Material, words: list[str]) -> Material:
    return replace(material, alpha_texture=_file_name(words))


_SETTERS = {
    "Kd": _set_color,
    "map_Kd": _set_texture,
    "map_kd": _set_texture,
    "map_d": _set_alpha_texture,
}


def _file_name(words: list[str]) -> str:
    """Returns the file name after the options of a texture; it may contain blanks."""
    start = 0
    while start < len(words) and words[start] in (*_ONE_WORD, *_NUMBERS):
        option, start = words[start], start + 1
        for _ in range(_NUMBERS.get(option, 1)):
            if start < len(words) and (option in _ONE_WORD or _is_number(words[start])):
                start += 1
    if start >= len(words):
        raise ValueError("no name")
    return " ".join(words[start:]).strip("\"'")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
