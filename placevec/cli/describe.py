"""`placevec describe`: photos become descriptors, in a file or a store."""

import functools
from collections.abc import Sequence
from typing import Annotated

import tyro

from placevec.cli.arguments import Flags, Photos
from placevec.cli.photos import open_photos
from placevec.cli.surroundings import import_keras, progress_bar, without_debug_flag
from placevec.config import DescribeConfig


def describe(photos: Photos, /, settings: Annotated[DescribeConfig, Flags]) -> None:
    """Write the descriptors of photos to a file, or to a store that grows.

    Args:
        photos: A photo, a folder of photos, or READER:PATH.
        settings: How photos are described.
    """
    root, names, dataset = open_photos(photos, settings.out)
    import_keras()
    from placevec.models import open_engine
    from placevec.process.workers import num_cores
    from placevec.retrieval import describe as describe_photos
    from placevec.retrieval import (
        describe_by_ray,
        describe_in_batches,
        describe_into,
        open_for,
        require_store_takes,
    )
    from placevec.store import save_descriptors

    if settings.out.suffix != ".npz":
        require_store_takes(
            settings.out,
            precision=settings.precision,
            dtype=settings.dtype,
            image_size=settings.image_size,
        )
    open_it = functools.partial(
        open_engine,
        settings.model.absolute(),  # workers may run in another folder
        precision=settings.precision,
        image_size=settings.image_size,
    )
    fitted_to = [root / name for name in names] if settings.precision == "int8" else []
    model = open_it(engine=settings.engine, calibration=fitted_to)
    options = {"batch_size": settings.batch_size, "progress": progress_bar}
    if settings.out.suffix == ".npz":
        descriptors, kept = describe_photos(model, [root / name for name in names], **options)
        save_descriptors(settings.out, names[kept], descriptors, model.model_id)
        count, dim = descriptors.shape
        what = f"{count} descriptors of {dim} numbers in {settings.out}"
    else:
        frame, size = dataset and dataset.frame, model.image_size
        source, how = model, describe_in_batches
        if settings.ray_workers:
            options["batch_size"] = settings.batch_size or model.batch_size
            # The workers open what was opened here, and share the cores.
            share = max(1, num_cores() // settings.ray_workers)
            source = functools.partial(open_it, engine=model.name, threads=share)
            how = functools.partial(describe_by_ray, num_workers=settings.ray_workers)
        with open_for(
            settings.out,
            model.model_id,
            settings.dtype,
            size,
            root,
            frame,
            settings.precision,
            settings.model,
        ) as store:
            added = describe_into(
                store, source, root, names, dataset, image_size=size, describe=how, **options
            )
            what = (
                f"{len(store)} descriptors of {store.manifest.dim} numbers in {settings.out}, "
                f"{added} of them new"
            )
    size = "x".join(map(str, model.image_size))
    print(f"{what}, photos resized to {size}; {model.cost()}")


def run_describe(
    photos: str, config: DescribeConfig, arguments: Sequence[str] | None = None
) -> None:
    """Runs `describe` with `[PHOTOS] [flags]` of the command line put over what is given.

    Args:
        photos: str. A folder of photos or READER:PATH; the one without an argument.
        config: DescribeConfig. The values without a flag.
        arguments: sequence of str or None. The command line. None: that of this process.
    """

    def describe_over(
        photos: Photos = photos, /, settings: Annotated[DescribeConfig, Flags] = config
    ) -> None:
        describe(photos, settings)

    describe_over.__doc__ = describe.__doc__
    tyro.cli(describe_over, args=without_debug_flag(arguments))
