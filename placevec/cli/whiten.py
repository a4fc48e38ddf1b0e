"""`placevec whiten` and `placevec crop`: whitening behind a model, and fewer numbers of it."""

from pathlib import Path
from typing import Annotated

from placevec.cli.arguments import Flags, Model
from placevec.cli.surroundings import progress_bar
from placevec.config import WhitenModelConfig
from placevec.whole_file import require_writable


def whiten(model: Model, /, settings: Annotated[WhitenModelConfig, Flags]) -> None:
    """Append whitening to a model so that no dimension outweighs the others.

    `--rank 40 --augmentation light` keeps the length and helps at night, too; `--dim 256` makes the
    descriptor shorter.

    Args:
        model: A .keras file or an old .h5 file. Whitening that it ends in is replaced.
        settings: How the whitening is fitted.
    """
    from placevec.models import load_model, save_model
    from placevec.sources.photos import open_photos
    from placevec.training import whiten as whiten_model

    require_writable(settings.out, ".keras")
    whitened = whiten_model(
        load_model(model),
        open_photos(settings.places, skip_unreadable=settings.skip_unreadable),
        settings.dim,
        rank=settings.rank,
        power=settings.power,
        augmentation=settings.augmentation,
        max_photos=settings.max_photos,
        image_size=settings.image_size,
        batch_size=settings.batch_size,
        skip_unreadable=settings.skip_unreadable,
        seed=settings.seed,
        progress=progress_bar,
    )
    save_model(whitened, settings.out)
    print(f"model with descriptors of {whitened.output_shape[-1]} dimensions in {settings.out}")


def crop(model: Model, /, dim: int, out: Path) -> None:
    """Keep the first dimensions of a whitened model's descriptor.

    Args:
        model: A .keras file that ends in whitening by `whiten --dim`.
        dim: Dimensions to keep.
        out: File for the shorter model.
    """
    from placevec.models import crop_whitening, load_model, save_model

    require_writable(out, ".keras")
    save_model(crop_whitening(load_model(model), dim), out)
    print(f"model with descriptors of {dim} dimensions in {out}")
