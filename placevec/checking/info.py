"""Describes a model with its costs, or a store."""

from pathlib import Path

from placevec.config import EvaluateConfig
from placevec.input_file import shown
from placevec.kinds import is_store
from placevec.models import measure_file
from placevec.models.files.model_file import closed_model, find_model_file
from placevec.models.files.shipped import describe_card, read_card
from placevec.retrieval.calibration import shipped_calibrations
from placevec.store import DescriptorStore, describe_facts, store_facts

_INPUT = (
    "photos      uint8 {2}, 0 to 255, not scaled; each is resized to {0}x{1} without keeping its "
    "shape,\n            by the mean of the area that a new pixel covers (docs/networks.md, "
    "Porting a network)"
)


def info(
    model: Path | str,
    *,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int = 1,
) -> str:
    """Describes the parts and costs of a model, or the contents of a store.

    Args:
        model: Path. The name of a network that ships with placevec, a `.keras` file, an old `.h5`
            file, or a store that `describe_to` made.
        image_size: (int, int) or None. Rows and columns of a photo. None: the size that the model
            was trained on.
        batch_size: int. Photos in a batch, to estimate the memory.

    Returns:
        str. For a model: its card if it ships with placevec, then layers, parameters, memory and
        floating point operations. For a store: one fact per line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the model or the store is damaged, or a number is below 1.
    """
    if is_store(closed_model(model)):
        if image_size != EvaluateConfig.image_size or batch_size != 1:
            raise ValueError(
                "`--image-size` and `--batch-size` only apply to models. Received: the store "
                f"{shown(model)}. Leave them out"
            )
        store = DescriptorStore.open(Path(model))
        removed = ("removed", f"{store.num_rows - len(store)}")
        return describe_facts((*store_facts(store), removed))
    cost = measure_file(model, image_size=image_size, batch_size=batch_size)
    channels = cost.layers[0].output_shape[-1]
    card = read_card(find_model_file(model))
    heading = ""
    if card is not None:
        learned = shipped_calibrations(card["facts"]["model_id"])
        lines = ["## Smallest gaps for a precision", "", *(f"- {each}" for each in learned)]
        heading = "\n".join([describe_card(card), *lines, "", ""])
    return f"{heading}{cost}\n{_INPUT.format(*cost.image_size, 'RGB' if channels == 3 else 'gray')}"
