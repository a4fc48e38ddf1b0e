"""`placevec search`: the photos of a store that are most similar to others."""

from pathlib import Path
from typing import Annotated

from placevec.cli.arguments import Flags, Photos, Store
from placevec.cli.photos import open_photos
from placevec.cli.surroundings import import_keras, progress_bar
from placevec.config import SearchConfig
from placevec.sources.tables.csv_file import csv_cell


def search(
    store: Store,
    photos: Photos,
    /,
    settings: Annotated[SearchConfig, Flags] = SearchConfig(),  # noqa: B008
) -> None:
    """Print the photos of a store that are most similar to other photos, as CSV.

    Args:
        store: A store that `describe --out` made.
        photos: A photo or a folder of photos to look up, or READER:PATH.
        settings: How they are looked up.
    """
    root, names, dataset = open_photos(photos)
    import_keras()
    from placevec.evaluation import draw_found
    from placevec.models import open_engine
    from placevec.retrieval import find_model, search_photos
    from placevec.store import DescriptorStore

    descriptors = DescriptorStore.open(store)
    manifest = descriptors.manifest
    path = settings.model or find_model(descriptors)
    model = open_engine(path, precision=manifest.precision, image_size=manifest.image_size)
    if settings.model is None and model.model_id != manifest.model_id:
        raise ValueError(
            f"The model of {store} (id {manifest.model_id}) was {path}, which holds another model "
            f"now (id {model.model_id}). Name the file of the first: `--model`"
        )
    descriptors.require(model_id=model.model_id)
    found = search_photos(descriptors, model, root, names, dataset, settings, progress=progress_bar)
    names = [column for column in ("query", "match") if column in found]
    cells = {name: [csv_cell(each, is_file=True) for each in found[name]] for name in names}
    print(found.assign(**cells).to_csv(index=False), end="")
    if settings.picture is not None:
        draw_found(found, root, Path(descriptors.manifest.root or "."), settings.picture)
