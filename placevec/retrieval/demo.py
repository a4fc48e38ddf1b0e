"""Describes the photos that ship with placevec, finds them again, and draws the matches."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config import DemoConfig
from placevec.counted import counted
from placevec.input_file import shown
from placevec.models.files.model_file import closed_model
from placevec.models.files.shipped import PHOTOS_FOLDER
from placevec.places import relevant_database
from placevec.progress import Progress, no_progress
from placevec.retrieval.describing.describe_to import describe_to
from placevec.retrieval.look_up import search
from placevec.sources import open_places
from placevec.whole_file import make_folder

_STORE, _PICTURE = "store", "matches.png"
_RADIUS_M = 10.0
_MATCHES = 3


@dataclass(frozen=True)
class Demo:
    """What the demo found.

    Args:
        picture: Path. The queries beside their matches.
        num_queries: int. Number of photos that were looked up.
        num_right: int. Number of these whose first match shows the same place.
    """

    picture: Path
    num_queries: int
    num_right: int

    def __str__(self) -> str:
        return (
            f"{self.num_right} of {counted(self.num_queries, 'photo')} in fog, rain, snow, at dusk "
            "and at night were found again among photos of the same places by day.\n"
            f"The picture of queries and matches: {self.picture}"
        )


def demo(
    out: Path | str = DemoConfig.out,
    model: Path | str | None = DemoConfig.model,
    *,
    progress: Progress = no_progress,
) -> Demo:
    """Describes photos that ship with placevec into a store, and looks up others in it.

    Args:
        out: Path. Folder for the store and the picture. It is created if it is missing.
        model: Path or None. See `DemoConfig`.
        progress: Progress. Draws a bar.

    Returns:
        Demo.

    Raises:
        FileExistsError: If `out` has a picture of this name and is not the folder of a demo.
        FileNotFoundError: If the model is missing.
        ValueError: If another model described the store in `out`.
    """
    settings = DemoConfig(out=Path(out), model=None if model is None else closed_model(model))
    make_folder(settings.out)
    store, picture = settings.out / _STORE, settings.out / _PICTURE
    if picture.exists() and not store.exists():
        raise FileExistsError(
            f"{shown(picture)} was not written by a demo. Name another folder: `--out`"
        )
    describe_to(store, PHOTOS_FOLDER / "database", settings.model, progress=progress)
    found = search(
        store,
        PHOTOS_FOLDER / "queries",
        settings.model,
        matches=_MATCHES,
        out=picture,
        overwrite=True,
    )
    photos = open_places(f"folder:{PHOTOS_FOLDER}")
    first = found[found["rank"] == 1].set_index("query")["match"]
    right = 0
    for query, rows in zip(photos.queries, relevant_database(photos, _RADIUS_M), strict=True):
        names = {photos.path(photos.database[row]).name for row in rows}
        right += first[photos.path(query).name] in names
    return Demo(picture, len(photos.queries), right)
