"""The command line: one verb for each stage."""

import contextlib
import functools
import importlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import tyro
from tqdm import tqdm as _tqdm

from placevec.config import (
    CheckConfig,
    DescribeConfig,
    EvaluateConfig,
    IndexConfig,
    MapillaryConfig,
    RenderConfig,
    SearchConfig,
    SplitConfig,
    StreetviewConfig,
    TrainConfig,
    WhitenConfig,
    from_dict,
)
from placevec.recipes import RECIPES, recipe
from placevec.whole_file import require_writable

# Keras and the rooms above it are imported by the verbs that need them, so that `--help` answers
# at once.

Config = TypeVar("Config")
progress_bar = functools.partial(_tqdm, disable=None)  # none where nobody watches
_FOR_ONE_RUN = ("resume", "overwrite")
_Flags = tyro.conf.arg(name="")
_Photos = Annotated[str, tyro.conf.arg(metavar="PHOTOS")]
_Places = Annotated[str, tyro.conf.arg(metavar="READER:PATH")]
_World = Annotated[str, tyro.conf.arg(metavar="WORLD")]
_Path = Annotated[str, tyro.conf.arg(metavar="PATH")]
_Store = Annotated[Path, tyro.conf.arg(metavar="STORE")]
_Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAMES")]
_Model = Annotated[Path, tyro.conf.arg(metavar="MODEL")]
_Service = (
    Annotated[StreetviewConfig, tyro.conf.subcommand("streetview")]
    | Annotated[MapillaryConfig, tyro.conf.subcommand("mapillary")]
)
_BACKEND_HINT = "The environment variable KERAS_BACKEND chooses tensorflow (default), jax or torch."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs `placevec VERB ...`; bad input ends with one line and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        arguments, training, rendering = _take_settings(arguments)
        verbs = {
            "train": _train_over(training),
            "describe": describe,
            "index": index,
            "search": search,
            "remove": remove,
            "evaluate": evaluate,
            "whiten": whiten,
            "crop": crop,
            "check": check,
            "render": _render_over(rendering),
            "collect": collect,
            "split": split,
            "info": info,
        }
        tyro.extras.subcommand_cli_from_dict(
            verbs, prog="placevec", description=f"{__doc__} {_BACKEND_HINT}", args=arguments
        )


def flags_over(config: Config, arguments: Sequence[str] | None = None) -> Config:
    """Returns settings with the flags of the command line put over them.

    Args:
        config: dataclass instance of `placevec.config`; the values without a flag.
        arguments: sequence of str or None. Flags. None: those of this process.
    """
    return tyro.cli(type(config), default=config, args=arguments)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns bad input into one line on standard error and exit code 2, without a traceback.

    A training that was stopped and saved ends with the exit code of its signal. Log lines go to
    standard error.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("absl", "faiss", "jax", "tensorflow", "tf2onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone, as `placevec ... | head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt as error:
        print(f"placevec: {str(error) or 'stopped'}", file=sys.stderr)
        sys.exit(128 + getattr(error, "signal_number", 2))
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        print(f"placevec: {' '.join(str(error).split()) or repr(error)}", file=sys.stderr)
        sys.exit(2)


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
        photos: _Photos = photos, /, settings: Annotated[DescribeConfig, _Flags] = config
    ) -> None:
        describe(photos, settings)

    describe_over.__doc__ = describe.__doc__
    tyro.cli(describe_over, args=arguments)


def _train_over(default: TrainConfig):  # noqa: ANN202
    def train(settings: Annotated[TrainConfig, _Flags] = default) -> None:
        """Train a network on photos with positions.

        Photos are named READER:PATH, such as folder:DIR (photos named @east@north@...), table:FILE
        (CSV or Parquet), exif:DIR, dbstruct:FILE.mat, gsv_cities:DIR, msls:DIR; docs/formats.md has
        all. `--config run.json` takes the settings of an earlier run, `--recipe NAME --data DIR`
        those of a recipe (placevec/recipes); flags go over them.
        """
        import_keras()
        from placevec.training import train as train_model

        if training := train_model(settings, progress=progress_bar):
            print(training)

    return train


def describe(photos: _Photos, /, settings: Annotated[DescribeConfig, _Flags]) -> None:
    """Write the descriptors of photos to a file, or to a store that grows.

    Args:
        photos: A folder of photos, or READER:PATH.
        settings: How photos are described.
    """
    root, names, dataset = _open_photos(photos, settings.out)
    import_keras()
    from placevec.models import num_cores, open_engine
    from placevec.retrieval import describe as describe_photos
    from placevec.retrieval import (
        describe_by_ray,
        describe_in_batches,
        describe_into,
        open_for,
        save_descriptors,
    )

    open_it = functools.partial(
        open_engine,
        settings.model,
        precision=settings.precision,
        image_size=settings.image_size,
    )
    model = open_it(engine=settings.engine)
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
            settings.out, model.model_id, settings.dtype, size, root, frame, settings.precision
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


def _open_photos(photos: str, out: Path | None = None):  # noqa: ANN202
    """Returns the folder of photos, their names, and the data set where it is one."""
    from placevec.sources import find_split, list_photos, open_places

    if out is not None and out.suffix and not out.is_dir():
        require_writable(out, ".npz")
    elif out is not None and not out.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {out.parent} for {out.name}. Make it")
    if not (":" in photos or find_split(photos) or Path(photos).is_dir()):
        raise FileNotFoundError(f"There is no folder {photos}. Give one, or READER:PATH")
    if Path(photos).is_dir():
        return Path(photos), np.array(list_photos(Path(photos))), None
    dataset = open_places(photos, skip_unreadable=True)
    return dataset.root, dataset.names, dataset


def index(
    store: _Store,
    /,
    settings: Annotated[IndexConfig, _Flags] = IndexConfig(),  # noqa: B008
) -> None:
    """Build an index that makes the search in a store faster, and measure it.

    Args:
        store: A store that `describe --out` made.
        settings: Which index.
    """
    import_keras()
    from placevec.retrieval import DescriptorStore, StoreIndex, reach_recall, recommend_index

    # Open for writing all along: who could not save the index is told before it is built.
    with DescriptorStore.open(store, writable=True) as descriptors:
        kind = settings.kind
        if settings.auto:
            recommended = recommend_index(
                descriptors,
                recall=settings.recall,
                memory_mb=settings.memory_mb,
                num_sampled=settings.sample,
                seed=settings.seed,
            )
            print(recommended, flush=True)
            kind = recommended.kind
        built, reached, batch_ms, single_ms = reach_recall(
            StoreIndex.build(descriptors, kind), settings.recall, seed=settings.seed
        )
        built.save()
        print(
            f"{kind} of {len(descriptors)} photos in {store}: recall@10 {reached:.3f}, "
            f"{single_ms:.2f} ms a query, {batch_ms:.2f} ms in a batch"
        )


def search(store: _Store, photos: _Photos, /, settings: Annotated[SearchConfig, _Flags]) -> None:
    """Print the photos of a store that are most similar to other photos, as CSV.

    Args:
        store: A store that `describe --out` made.
        photos: A folder of photos to look up, or READER:PATH.
        settings: How they are looked up.
    """
    root, names, dataset = _open_photos(photos)
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


def remove(store: _Store, names: _Names, /, compact: bool = False) -> None:
    """Remove photos from a store.

    Args:
        store: A store that `describe --out` made.
        names: Names of photos as the store has them.
        compact: Write the store anew, smaller and in large files; its index is deleted.
    """
    import_keras()
    from placevec.retrieval import DescriptorStore

    with DescriptorStore.open(store, writable=True) as descriptors:
        if names:
            descriptors.remove(names)
        if compact:
            descriptors.compact()
        print(f"{len(descriptors)} photos in {store}, {len(names)} removed")


def evaluate(places: _Places, /, settings: Annotated[EvaluateConfig, _Flags]) -> None:
    """Measure recall@N: how often a right photo is among the first N found.

    Args:
        places: READER:PATH of photos with positions.
        settings: How recall is measured.
    """
    import_keras()
    from placevec.models import open_engine
    from placevec.retrieval import evaluate as evaluate_model
    from placevec.sources import open_places

    dataset = open_places(places, skip_unreadable=settings.skip_unreadable)
    summaries = {}
    for precision in dict.fromkeys(("float32", settings.precision)):
        model = open_engine(
            settings.model,
            engine=settings.engine,
            precision=precision,
            image_size=settings.image_size,
        )
        summaries[precision] = evaluate_model(
            model,
            dataset,
            radius_m=settings.radius_m,
            min_time_difference_s=settings.min_time_difference_s,
            batch_size=settings.batch_size,
            skip_unreadable=settings.skip_unreadable,
            progress=progress_bar,
        ).summary()
    summary, exact = summaries[settings.precision], summaries["float32"]["recall"]
    is_exact = settings.precision == "float32"
    if settings.json:
        if not is_exact:
            cost = {"float32_recall": exact, "least_cosine": model.least_cosine}
            summary |= {"precision": settings.precision, **cost}
        print(json.dumps(summary))
        return
    for rank, share in summary.pop("recall").items():
        beside = "" if is_exact else f"  (float32: {100 * exact[rank]:5.1f} %)"
        print(f"recall@{rank:<3s} {100 * share:5.1f} %{beside}")
    for name, value in summary.items():
        print(f"{name.replace('_', ' ')}: {value}")
    rows, columns = model.image_size
    print(f"radius {settings.radius_m:g}, photos resized to {rows}x{columns}")
    print(model.cost())


def whiten(model: _Model, /, settings: Annotated[WhitenConfig, _Flags]) -> None:
    """Put whitening behind a model: no number drowns the others, and with --dim there are fewer.

    Args:
        model: A .keras file or an old .h5 file. Whitening that it ends in is replaced.
        settings: How the whitening is fitted.
    """
    import_keras()
    from placevec.models import load_model, save_model
    from placevec.sources import open_places
    from placevec.training import whiten as whiten_model

    require_writable(settings.out, ".keras")
    whitened = whiten_model(
        load_model(model),
        open_places(settings.places, skip_unreadable=settings.skip_unreadable),
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
    print(f"model with descriptors of {whitened.output_shape[-1]} numbers in {settings.out}")


def crop(model: _Model, /, dim: int, out: Path) -> None:
    """Keep the first numbers of a whitened model's descriptor.

    Args:
        model: A .keras file that ends in whitening.
        dim: Numbers to keep.
        out: File for the model with so many numbers.
    """
    import_keras()
    from placevec.models import crop_whitening, load_model, save_model

    require_writable(out, ".keras")
    save_model(crop_whitening(load_model(model), dim), out)
    print(f"model with descriptors of {dim} numbers in {out}")


def check(
    places: _Path,
    /,
    settings: Annotated[CheckConfig, _Flags] = CheckConfig(),  # noqa: B008
) -> None:
    """Look for faults in photos with positions; prints and writes a report.

    Exit code 0: no findings, 1: findings, 2: the data set cannot be read.

    Args:
        places: A path, whose format is told by what lies there, or READER:PATH.
        settings: What counts as a finding.
    """
    from placevec.checking import check as check_places

    report = check_places(places, settings, progress=progress_bar)
    print(report)
    if report.findings:
        sys.stdout.flush()
        sys.exit(1)


def _render_over(default: RenderConfig):  # noqa: ANN202
    def render(
        world: _World = "town", /, settings: Annotated[RenderConfig, _Flags] = default
    ) -> None:
        """Draw photos with positions of a 3-D model, or of a made town, to train on.

        Needs no display. Models: OBJ, glTF, GLB, egg, bam, or a folder of tiles. `--config
        DIR/world.json` takes the settings of an earlier rendering; flags go over them.

        Args:
            world: A model file, a folder of tiles, or `town`.
            settings: How it is photographed.
        """
        from placevec.rendering import render as render_world

        print(render_world(world, settings, progress=progress_bar))

    return render


def collect(settings: Annotated[_Service, _Flags]) -> None:
    """Collect photos with positions from a service of street-level photos."""
    from placevec.collecting import collect_mapillary, collect_streetview

    if isinstance(settings, StreetviewConfig):
        print(collect_streetview(settings, progress_bar))
    else:
        print(collect_mapillary(settings, progress_bar))


def split(
    places: _Places,
    /,
    settings: Annotated[SplitConfig, _Flags] = SplitConfig(),  # noqa: B008
) -> None:
    """Make train, val and test of a set: no place and no near-duplicate photo on two sides.

    Writes splits.csv and a map, splits.svg, beside the photos; then READER:PATH#train, #val and
    #test open the splits.

    Args:
        places: READER:PATH of photos with positions.
        settings: How photos are split.
    """
    import_keras()
    from placevec.models import load_model
    from placevec.places import SPLITS
    from placevec.retrieval import make_split
    from placevec.sources import SPLITS_FILE, find_reader, open_places

    dataset = open_places(places, skip_unreadable=settings.skip_unreadable)
    model = None if settings.model is None else load_model(settings.model)
    parts, roles = make_split(dataset, settings, model, progress=progress_bar)
    for name in SPLITS:
        rows = parts.rows(name)
        if len(rows):
            counts = [(roles[rows] == role).sum() for role in ("query", "database", "both")]
            words = zip(counts, ("queries", "database", "both"), strict=True)
            print(f"{name}: {len(rows)} photos ({', '.join(f'{n} {w}' for n, w in words if n)})")
    reasons, counts = np.unique(parts.left_out[parts.names == ""], return_counts=True)
    for reason, count in zip(reasons, counts, strict=True):
        print(f"left out: {count} photos ({reason})")
    reader, path = find_reader(places)
    print(f"{dataset.root / SPLITS_FILE}: open a split as {reader}:{path}#{SPLITS[0]}")


def info(
    model: _Model,
    /,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int = 1,
) -> None:
    """Print a model's layers, parameters, memory and floating point operations.

    Args:
        model: A .keras file or an old .h5 file.
        image_size: Rows and columns of a photo. None: those it was trained on.
        batch_size: Photos in a batch, for the memory.
    """
    import_keras()
    from placevec.models import load_model, measure_model
    from placevec.retrieval import photo_size

    network = load_model(model)
    size = photo_size(network) if image_size is None else image_size
    print(measure_model(network, image_size=size, batch_size=batch_size))


def import_keras() -> None:
    """Imports Keras without the lines that TensorFlow's C++ code writes to standard error."""
    if "keras" in sys.modules:
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error.name} is not installed, which KERAS_BACKEND="
            f"{os.environ.get('KERAS_BACKEND', '')} needs. Choose tensorflow or jax, or install it "
            "(`make test-torch` installs PyTorch's CPU build)"
        ) from error
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)


def _take_settings(arguments: list[str]) -> tuple[list[str], TrainConfig, RenderConfig]:
    """Takes `--config FILE` or `--recipe NAME --data DIR` out of the arguments.

    Returns:
        The arguments that are left, and the settings that flags of `train` and of `render` go
        over.
    """
    training, rendering = TrainConfig(), RenderConfig()
    if arguments[:1] == ["train"]:
        arguments, training = _take_training(arguments)
    elif arguments[:1] == ["render"]:
        what = "a file: the world.json of an earlier rendering"
        arguments, path = _take(arguments, "--config", what)
        rendering = _read_config(RenderConfig, path and Path(path))
    return arguments, training, rendering


def _take_training(arguments: list[str]) -> tuple[list[str], TrainConfig]:
    given = {}
    for flag, what in (
        ("--config", "a file: the config.json of an earlier run"),
        ("--recipe", f"a name: {', '.join(sorted(RECIPES))}"),
        ("--data", "the folder of the recipe's data"),
    ):
        arguments, given[flag] = _take(arguments, flag, what)
    config_path, name, data = given.values()
    if name is None and data is None:
        return arguments, _read_config(TrainConfig, config_path and Path(config_path))
    if config_path is not None or name is None or data is None:
        raise ValueError(
            "`--recipe NAME` and `--data DIR` go together, without `--config`. Received: "
            f"{', '.join(flag for flag, value in given.items() if value is not None)}"
        )
    return arguments, recipe(name, Path(data))


def _take(arguments: list[str], flag: str, what: str) -> tuple[list[str], str | None]:
    """Takes `FLAG VALUE` or `FLAG=VALUE` out of the arguments."""
    arguments = [
        part
        for each in arguments
        for part in (each.split("=", 1) if each.startswith(f"{flag}=") else [each])
    ]
    if flag not in arguments:
        return arguments, None
    place = arguments.index(flag)
    if place + 1 == len(arguments):
        raise ValueError(f"`{flag}` needs {what}")
    return arguments[:place] + arguments[place + 2 :], arguments[place + 1]


def _read_config(kind: type[Config], path: Path | None) -> Config:
    if path is None:
        return kind()
    if not path.is_file():
        raise FileNotFoundError(f"There is no settings file {path}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold settings by name. Received: {type(values).__name__}")
    if kind is RenderConfig:  # world.json says more than the settings
        values = dict(values.get("settings", {}))
        values.pop("world", None)
    # What a run was told to do with its folder holds for that run alone.
    values = {name: value for name, value in values.items() if name not in _FOR_ONE_RUN}
    return from_dict(kind, values)
