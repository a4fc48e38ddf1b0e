"""`placevec info`: what a model is made of and costs, or what a store holds."""

from placevec.cli.arguments import Model
from placevec.config import EvaluateConfig
from placevec.input_file import shown

_INPUT = (
    "photos      uint8 {2}, 0 to 255, not scaled; each is resized to {0}x{1} without keeping its "
    "shape,\n            by the mean of the area that a new pixel covers (docs/networks.md, "
    "Porting a network)"
)


def info(
    model: Model,
    /,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int = 1,
) -> None:
    """Print a model's layers, parameters, memory and floating point operations, or a store's facts.

    Args:
        model: A .keras file, an old .h5 file, or a store that `describe --out` made.
        image_size: Rows and columns of a photo. None: those it was trained on.
        batch_size: Photos in a batch, for the memory.
    """
    from placevec.store import DescriptorStore, describe_facts, is_store, store_facts

    if is_store(model):
        if image_size != EvaluateConfig.image_size or batch_size != 1:
            raise ValueError(
                "`--image-size` and `--batch-size` only apply to models. Received: the store "
                f"{shown(model)}. Leave them out"
            )
        store = DescriptorStore.open(model)
        print(describe_facts((*store_facts(store), ("removed", f"{store.num_rows - len(store)}"))))
        return
    from placevec.models import load_model, measure_model

    network = load_model(model)
    cost = measure_model(network, image_size=image_size, batch_size=batch_size)
    print(cost)
    print(_INPUT.format(*cost.image_size, "RGB" if network.input_shape[-1] == 3 else "gray"))
