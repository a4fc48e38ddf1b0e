"""`placevec search`: the photos of a store that are most similar to others."""

from pathlib import Path
from typing import Annotated

from placevec.cli.arguments import Flags, Photos, Store
from placevec.cli.photos import open_photos
from placevec.cli.surroundings import import_keras, progress_bar
from placevec.config import SearchConfig


def search(store: Store, photos: Photos, /, settings: Annotated[SearchConfig, Flags]) -> None:
    """Print the photos of a store that are most similar to other photos, as CSV.

    Args:
        store: A store that `describe --out` made.
        photos: A folder of photos to look up, or READER:PATH.
        settings: How they are looked up.
    """
    root, names, dataset = open_photos(photos)
    import_keras()
    from placevec.models import open_engine
    from placevec.retrieval import DescriptorStore, draw_found, search_photos

    descriptors = DescriptorStore.open(store)
    manifest = descriptors.manifest
    model = open_engine(
        settings.model, precision=manifest.precision, image_size=manifest.image_size
    )
    descriptors.require(model_id=model.model_id)
    found = search_photos(descriptors, model, root, names, dataset, settings, progress=progress_bar)
    print(found.to_csv(index=False), end="")
    if settings.picture is not None:
        draw_found(found, root, Path(descriptors.manifest.root or "."), settings.picture)
