"""`placevec info`: prints what a model consists of and costs, or what a store holds."""

from placevec.cli.arguments import Model
from placevec.config import EvaluateConfig


def info(
    model: Model,
    /,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int = 1,
) -> None:
    """Print a model's layers, parameters, memory and floating point operations, or a store's facts.

    For a model that ships with placevec, also print its card: the licenses of everything in it,
    its measured recall, its weaknesses, and the digests of its files.

    Args:
        model: tiny, small, a .keras file, an old .h5 file, or a store that `describe --out` made.
        image_size: Rows and columns of a photo. None: those it was trained on.
        batch_size: Photos in a batch, for the memory.
    """
    from placevec.checking import info as describe_model

    print(describe_model(model, image_size=image_size, batch_size=batch_size))
