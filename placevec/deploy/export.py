"""Exports a network as a file of another library, and checks it against Keras."""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.config import ExportConfig
from placevec.config.choices import (
    ENGINES,
    EXPORTS,
    ExportChoice,
    ExportFormat,
    ExportPrecision,
    choose,
)
from placevec.counted import counted
from placevec.deploy.card import CARD_FILES, card_of, table_of, write_card
from placevec.deploy.check import PhotosOfSize, Run, check_file, check_recall, photos_that_ship
from placevec.deploy.files import FINISHERS, Facts
from placevec.deploy.rtabmap import write_hook
from placevec.input_file import shown
from placevec.models.files.model_file import find_model_file
from placevec.models.files.shipped import shipped_onnx
from placevec.places import PlaceDataset
from placevec.sources import open_places
from placevec.sources.photos import open_photos
from placevec.whole_file import (
    delete,
    require_free_names,
    require_new_folder,
    whole_file,
    whole_folder,
)

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Exported:
    """A file for another library. As text, a table of how it compares with Keras.

    Args:
        path: Path. The file, or the folder of a SavedModel.
        card: dict. Content of the card beside it.
    """

    path: Path
    card: dict

    def __str__(self) -> str:
        length = counted(self.card["dimensions"], "dimension")
        return f"{table_of(self.card)}\n{shown(self.path)}: {length}"


def export(
    model: Path | str,
    *,
    format: ExportFormat = ExportConfig.format,
    out: Path | str = ExportConfig.out,
    image_size: tuple[int, int] | None = ExportConfig.image_size,
    precision: ExportPrecision = ExportConfig.precision,
    calibration: PlaceDataset | Path | str | None = ExportConfig.calibration,
    places: PlaceDataset | Path | str | None = ExportConfig.places,
    resize_inside: bool = ExportConfig.resize_inside,
    overwrite: bool = ExportConfig.overwrite,
) -> Exported:
    """Writes a network for other programs, with a card that says how to feed it.

    The file contains the whole computation: it takes uint8 RGB photos `(batch, rows, columns, C)`
    and returns unit descriptors `(batch, D)` float32, and nothing else. It is compared with Keras
    on photos of two sizes, in batches of one and of three, and is only written if they agree. A
    network that ships with placevec is exported from its own ONNX file, unless you change its
    input.

    Args:
        model: Path or str. A `.keras` file, an old `.h5` file or the name of a network that ships.
        format: str. See `ExportConfig`, as for the others. A key of `EXPORTS`.
        out: Path. Folder for the file and its card.
        image_size: (int, int) or None. Rows and columns; the file takes no other size.
        precision: str. `"float32"`, `"float16"` for weights in 16 bits, or `"int8"`.
        calibration: PlaceDataset, or anything that `open_photos` opens. Photos to fit int8 to.
        places: PlaceDataset, or READER:PATH. Places to measure recall@1 on. None: it is not
            measured.
        resize_inside: bool. Make a file that takes photos of any size and resizes them itself.
        overwrite: bool. Replace an earlier export in `out`.

    Returns:
        Exported.

    Raises:
        FileExistsError: If `out` has files of these names, and `overwrite` is not set.
        FileNotFoundError: If the model, photos, or the folder that `out` lies in are missing.
        ImportError: If a package that writes or checks the file is not installed.
        ValueError: If the format does not have a setting, Keras does not run on TensorFlow, or the
            file does not compute what Keras computes.
    """
    settings = ExportConfig(
        format=format,
        out=Path(out),
        image_size=image_size,
        precision=precision,
        calibration=None if calibration is None else str(calibration),
        places=None if places is None else str(places),
        resize_inside=resize_inside,
        overwrite=overwrite,
    )
    row, path = choose(EXPORTS, format, "format"), find_model_file(model)
    require_new_folder(settings.out)
    names = (row.file, *row.beside, *CARD_FILES)
    require_free_names(settings.out, names, overwrite=overwrite)
    _require(row.engine, precision)
    photos = None if calibration is None else open_photos(calibration).paths()
    if places is not None and not isinstance(places, PlaceDataset):
        places = open_places(str(places))
    from placevec.models import load_model, model_id

    network = load_model(path)
    whole, size = _whole(network, settings)
    facts = Facts(
        image_size=size,
        takes_any_size=settings.image_size is None and None in whole.input_shape[1:3],
        channels=whole.input_shape[-1],
        resizes_inside=resize_inside,
        dimensions=whole.output_shape[-1],
        model_id=model_id(network),
    )
    with tempfile.TemporaryDirectory(prefix="placevec-") as folder:
        made = Path(folder, "float32")
        made.mkdir()
        _write(path, whole, row, made, is_plain=image_size is None and not resize_inside)
        if row.engine in FINISHERS:
            FINISHERS[row.engine](made / row.file, facts, precision)
        photos_of = photos_that_ship(facts.channels)
        if photos is not None:
            made, photos_of = _fit(made, photos, facts)
        run = _runner(row.engine, made)
        card = card_of(
            path,
            format,
            facts,
            precision=precision,
            checked=check_file(run, whole, facts, precision, photos_of),
            recall=None if places is None else check_recall(run, whole, facts, places),
            megabytes=_megabytes(made),
        )
        write_card(card, made)
        if format == "rtabmap":
            write_hook(made / row.beside[0], row.file, facts)
        settings.out.mkdir(exist_ok=True)
        _move_in(made, settings.out, row.file)
    return Exported(settings.out / row.file, card)


def _require(engine: str, precision: str) -> None:
    from placevec.models.engines.accelerator import backend_name

    if engine and (missing := ENGINES[engine].missing(exporting=True)):
        raise ImportError(
            f"This format needs {' and '.join(missing)}. Install it: "
            f'pip install "placevec[{ENGINES[engine].extra}]"'
        )
    if precision == "int8" and (missing := ENGINES[engine].missing_quantizers()):
        raise ImportError(
            f'int8 needs {" and ".join(missing)}. Install it: pip install "placevec[int8]"'
        )
    if backend_name() != "tensorflow":
        raise ValueError(
            f"Exports are made by Keras on TensorFlow. Received: KERAS_BACKEND={backend_name()}. "
            "Run it with KERAS_BACKEND=tensorflow"
        )


def _whole(network: "keras.Model", settings: ExportConfig) -> tuple["keras.Model", tuple[int, int]]:
    """Returns the network with the input that you asked for, and the size that it computes at."""
    import keras

    from placevec.config import TrainConfig
    from placevec.images import image_size_of
    from placevec.layers import AreaResize

    size = image_size_of(network, usual=TrainConfig.image_size, wanted=settings.image_size)
    takes = settings.image_size or ((None, None) if settings.resize_inside else None)
    takes = takes or network.input_shape[1:3]
    photos = keras.Input((*takes, network.input_shape[-1]), dtype="uint8", name="photos")
    resized = AreaResize(size, name="resize")(photos) if settings.resize_inside else photos
    outputs = keras.layers.Identity(name="descriptors")(network(resized))
    return keras.Model(photos, outputs, name="placevec"), size


def _write(
    path: Path, whole: "keras.Model", row: ExportChoice, folder: Path, *, is_plain: bool
) -> None:
    """Writes the file of a format in float32, as its library makes it."""
    if not row.engine:
        whole.export(str(folder / row.file), format="tf_saved_model", verbose=False)
        return
    kind = ENGINES[row.engine]
    if is_plain and kind.takes_onnx and (onnx := shipped_onnx(path)):
        kind.find().from_onnx(onnx, folder)
    else:
        kind.find().export(whole, folder)


def _fit(network: Path, paths: Sequence[Path], facts: Facts) -> tuple[Path, PhotosOfSize]:
    """Fits int8 to photos. Returns its folder, and photos that were kept back from the fit."""
    from placevec.models.engines.runtimes.int8 import (
        PHOTOS_FILE,
        kept_photos,
        quantize,
        read_photos,
    )

    made, kept = network.with_name("int8"), network.with_name("kept")
    made.mkdir()
    kept.mkdir()
    quantize(network, read_photos(paths, facts.image_size, facts.channels), made)
    (made / PHOTOS_FILE).replace(kept / PHOTOS_FILE)
    return made, lambda size: kept_photos(kept, size)


def _runner(engine: str, folder: Path) -> Run:
    """Returns a function that runs the file as other programs do."""
    if engine:
        return ENGINES[engine].find().load(folder, "float32", 1, 1)
    import tensorflow as tf

    served = tf.saved_model.load(str(folder / EXPORTS["savedmodel"].file))
    return lambda photos: np.asarray(served.serve(photos))


def _megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6


def _move_in(made: Path, out: Path, main: str) -> None:
    """Writes an export to its folder, in place of an earlier one.

    The main file is deleted first and moved in last. After a kill it may be missing, but it never
    lies beside files of another export.
    """
    others = sorted(each.name for each in made.iterdir() if each.name != main)
    with contextlib.ExitStack() as moves:  # moves the last file first
        for name in (main, *others):
            source = made / name
            if source.is_dir():
                unfinished = moves.enter_context(whole_folder(out / name))
                shutil.copytree(source, unfinished, dirs_exist_ok=True)
            else:
                unfinished = moves.enter_context(whole_file(out / name))
                shutil.copyfile(source, unfinished)
        delete(out / main)
