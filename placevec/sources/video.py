"""Films as sequences of frames."""

from pathlib import Path

import numpy as np

from placevec.images.video import VIDEO_SUFFIXES, count_frames, frame_name
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import go_on_without
from placevec.sources.path_options import split_options
from placevec.sources.walk import leads_out, require_folder

FRAMES_APART = 10_000_000
"""How far from each other the films of a data set lie, in frames: longer than any film."""


def read_video(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads films as sequences of frames, which stay in the film until they are looked at.

    A photo is a frame such as `walk.mp4#000120`. Its position is its number along the film in the
    frame `"frames"`, so a radius of 30 is 30 frames, whatever the stride; the films of a folder
    lie far apart, so that frames of two films are never positives, and always negatives, of each
    other: films of one route belong into folders of photos, see `read_sequence`. Every frame is
    both query and database.

    Args:
        path: Path. A `.mp4` or `.mkv` film, or a folder of them (subfolders are left alone);
            `PATH,stride=10` takes every tenth frame. Without it, all are taken.
        skip_unreadable: bool. Leave out broken films and log how many they are. Defaults to
            `False`.

    Returns:
        PlaceDataset, film by film in the order of their names; `sequence_ids` number the films.

    Raises:
        FileNotFoundError: If there is no such path.
        ValueError: If it holds no film, a film is broken, or the stride is no positive integer.
    """
    top, options = split_options(path, ["stride"])
    stride = _stride(options.get("stride", "1"))
    films = [top] if top.is_file() else list_films(top)
    counts, problems = [], []
    for film in films:
        try:
            counts.append(count_frames(film))
        except ValueError as error:
            counts.append(0)
            problems.append((film.name, str(error)))
    go_on_without(
        [name for name, _ in problems],
        len(films),
        problem=f"Unreadable: {{}} films of {top}",
        detail=problems[0][1] if problems else "",
        way_out="Fetch or export them again",
        skip_unreadable=skip_unreadable,
    )
    numbers = [np.arange(0, count, stride) for count in counts]
    film_ids = np.repeat(np.arange(len(films)), [len(each) for each in numbers])
    frames = np.concatenate(numbers)
    names = [
        frame_name(films[film].name, frame)
        for film, frame in zip(film_ids.tolist(), frames.tolist(), strict=True)
    ]
    return PlaceDataset(
        films[0].parent,
        np.array(names),
        positions_m=np.stack([frames, film_ids * FRAMES_APART], axis=1),
        sequence_ids=film_ids,
        frame="frames",
    )


def recognize_video(path: Path) -> str:
    """Says which film there is at a path, or `""`."""
    if path.is_file():
        return f"the film {path.name}" if _is_film(path) else ""
    film = next(filter(_is_film, path.iterdir()), None) if path.is_dir() else None
    return f"films such as {film.name}" if film else ""


def list_films(folder: Path) -> list[Path]:
    """Lists the films that lie in a folder, sorted by name.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no film.
    """
    require_folder(folder)
    films = sorted(p for p in folder.iterdir() if _is_film(p) and not leads_out(p, folder))
    if not films:
        raise ValueError(f"No films in {folder}. A film's name ends in {', '.join(VIDEO_SUFFIXES)}")
    return films


def _is_film(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file()


def _stride(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:9]) or len(text) > 9:
        raise ValueError(f"`stride` must be a positive integer. Received: stride={text}")
    return int(text)
