"""Measures what a model file costs, without Keras if it was measured before."""

import contextlib
from dataclasses import asdict
from pathlib import Path

from placevec.models.engines.cache import find_values, keep_values
from placevec.models.files.model_file import find_model_file
from placevec.models.model_cost import LayerCost, ModelCost

_KIND = "costs"


def measure_file(
    model: Path | str, *, image_size: tuple[int, int] | None = None, batch_size: int = 1
) -> ModelCost:
    """Measures what the model in a file costs, as `measure_model` does.

    The user's cache keeps the result under the hash of the file. From then on placevec does not
    need Keras for it.

    Args:
        model: Path. See `find_model_file`.
        image_size: (int, int) or None. Rows and columns of a photo.
        batch_size: int. Photos in a batch, for the memory.

    Returns:
        ModelCost.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the model is damaged, or as `measure_model`.
    """
    path = find_model_file(model)
    about = f"{image_size}, batch {batch_size}"
    kept = find_values(path, _KIND, about)
    if isinstance(kept, dict):
        return _from_plain(**kept)
    from placevec.models.descriptor_model import load_model
    from placevec.models.measure import measure_model

    cost = measure_model(load_model(path), image_size=image_size, batch_size=batch_size)
    with contextlib.suppress(OSError):  # a read-only cache only means measuring again
        keep_values(path, _KIND, about, asdict(cost))
    return cost


def _from_plain(layers: list[dict], image_size: list[int], **numbers: int) -> ModelCost:
    changed = ({**each, "output_shape": tuple(each["output_shape"])} for each in layers)
    rows, columns = image_size
    costs = tuple(LayerCost(**each) for each in changed)
    return ModelCost(costs, image_size=(rows, columns), **numbers)
