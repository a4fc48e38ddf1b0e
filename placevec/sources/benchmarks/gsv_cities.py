"""GSV-Cities: street photos of many cities, in places that were each seen in several years."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.benchmarks.months import seconds_of_months
from placevec.sources.files import files_like, readable, tell_unnamed, tidy_name
from placevec.sources.tables.rows.csv_file import in_words
from placevec.sources.tables.rows.rows import read_csv, whole_turn
from placevec.sources.values.cells import to_number, to_whole_number
from placevec.sources.walk import require_folder

_COLUMNS = ("place_id", "year", "month", "northdeg", "city_id", "lat", "lon", "panoid")


def read_gsv_cities(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the photos of every city that has a table, `Dataframes/CITY.csv`.

    A row names its photo, `Images/CITY/CITY_PLACE_YEAR_MONTH_HEADING_LAT_LON_PANORAMA.jpg`, with
    7, 4, 2 and 3 digits for the first four numbers. CITY is its `city_id`. Photos of one city with
    the same `place_id` show one place; all others show different places. The cities are in many UTM
    zones, so there are no positions; no two places of the public set are nearer than 100 m to each
    other. Every photo is both query and database; its time is the beginning of its month.

    Args:
        path: Path. The folder that holds `Dataframes` and `Images`. To read only some cities,
            remove the tables of the others from `Dataframes`.
        skip_unreadable: bool. Leave out photos that are missing or empty and log how many they
            are, unless a city has no other. Defaults to `False`.

    Returns:
        PlaceDataset, city by city in the order of the tables' names, photos in the order of the
        rows; `place_ids` number the places from 0.

    Raises:
        FileNotFoundError: If the folder does not exist or has no table, or photos are missing or
            empty.
        ValueError: If a table has no rows, a column is missing, or a value cannot be read.
    """
    top = Path(path).expanduser()
    require_folder(top)
    table_paths = files_like(top, "Dataframes/*.csv")
    if not table_paths:
        raise FileNotFoundError(
            f"{top} must hold a table for each city, Dataframes/CITY.csv. Received: none. Give the "
            "folder that GSV-Cities was unpacked into"
        )
    cities = [_read_city(top / "Images", each, skip_unreadable) for each in table_paths]
    place_ids = [city.known("place_ids") for city in cities]
    counts = [int(ids.max()) + 1 for ids in place_ids]
    firsts = np.cumsum([0, *counts[:-1]])
    return PlaceDataset(
        top / "Images",
        np.concatenate([city.names for city in cities]),
        headings_deg=np.concatenate([city.known("headings_deg") for city in cities]),
        times_s=np.concatenate([city.known("times_s") for city in cities]),
        place_ids=np.concatenate(
            [ids + first for ids, first in zip(place_ids, firsts, strict=True)]
        ),
    )


def recognize_gsv_cities(path: Path) -> str:
    """Names the files of GSV-Cities at a path, or returns `""`."""
    if (path / "Images").is_dir() and files_like(path, "Dataframes/*.csv"):
        return "Dataframes/*.csv beside Images"
    return ""


def _read_city(root: Path, table_path: Path, skip_unreadable: bool) -> PlaceDataset:
    """Returns the photos of one city, with its places numbered from 0."""
    cells = read_csv(table_path)
    for column in _COLUMNS:
        if column not in cells:
            raise ValueError(
                f"No column `{column}` in {table_path} (it has: {in_words(cells)}). A "
                f"table of GSV-Cities has {', '.join(_COLUMNS)}"
            )
    if not cells["panoid"]:
        raise ValueError(f"A city needs at least one photo. Received: none in {table_path}")
    whole = {
        column: _numbers(cells, column, to_whole_number, table_path)
        for column in ("place_id", "year", "month", "northdeg")
    }
    degrees = [_numbers(cells, column, to_number, table_path) for column in ("lat", "lon")]
    names = np.array(
        [
            tidy_name(
                f"{city}/{city}_{place:07d}_{year:04d}_{month:02d}_{heading:03d}_{lat}_{lon}_"
                f"{panorama}.jpg",
                table_path,
            )
            for city, place, year, month, heading, lat, lon, panorama in zip(
                cells["city_id"], *whole.values(), *degrees, cells["panoid"], strict=True
            )
        ]
    )
    kept = readable(root, names, source=table_path, skip_unreadable=skip_unreadable)
    tell_unnamed(root, names, source=table_path)
    _, place_ids = np.unique(whole["place_id"], return_inverse=True)
    return PlaceDataset(
        root,
        names,
        headings_deg=whole_turn(np.array(whole["northdeg"], dtype=np.float64)),
        times_s=seconds_of_months(np.array(whole["year"]), np.array(whole["month"]), table_path),
        place_ids=place_ids,
    ).take(np.flatnonzero(kept))


def _numbers(
    cells: dict[str, list[str]], column: str, kind: Callable, table_path: Path
) -> list[int] | list[float]:
    values = []
    for row, cell in enumerate(cells[column], start=1):
        try:
            values.append(kind(cell))
        except ValueError:
            what = "a whole number" if kind is to_whole_number else "a number"
            raise ValueError(
                f"`{column}` must be {what}. Received: {shown(cell, longest=80)!r} in row {row} of "
                f"{table_path}"
            ) from None
    return values
