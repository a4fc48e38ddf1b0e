"""`placevec whiten` appends whitening to a model, and `placevec crop` shortens its descriptor."""

from pathlib import Path
from typing import Annotated

from placevec.cli.arguments import Flags, Model
from placevec.cli.surroundings import progress_bar
from placevec.config import WhitenModelConfig
from placevec.counted import counted


def whiten(model: Model, /, settings: Annotated[WhitenModelConfig, Flags]) -> None:
    """Append whitening to a model so that no dimension outweighs the others.

    `--rank 40 --augmentation light` keeps the length and helps at night, too; `--dim 256` makes the
    descriptor shorter.

    Args:
        model: A .keras file or an old .h5 file. Whitening that it ends in is replaced.
        settings: How the whitening is fitted.
    """
    from placevec.training import whiten as whiten_model

    whitened = whiten_model(model, progress=progress_bar, **vars(settings))
    _say(whitened.output_shape[-1], settings.out)


def crop(model: Model, /, dim: int, out: Path, overwrite: bool = False) -> None:
    """Keep the first dimensions of a whitened model's descriptor.

    Args:
        model: A .keras file that ends in whitening by `whiten --dim`.
        dim: Dimensions to keep.
        out: File for the shorter model.
        overwrite: Replace an earlier file at `out`. If false, a file that exists is refused.
    """
    from placevec.models import crop as crop_model

    crop_model(model, dim, out, overwrite=overwrite)
    _say(dim, out)


def _say(dim: int, out: Path) -> None:
    print(f"model with descriptors of {counted(dim, 'dimension')} in {out}")
