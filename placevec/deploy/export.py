"""A network as a file of another library, checked against Keras before it is called done."""

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.config import ExportConfig
from placevec.config.choices import ENGINES, EXPORTS, ExportFormat, choose
from placevec.deploy.card import card_of, write_card
from placevec.deploy.files import FINISHERS, Facts
from placevec.deploy.rtabmap import write_hook
from placevec.input_file import shown
from placevec.models.engines.check import check_photos, compare
from placevec.models.files.model_file import find_model_file
from placevec.whole_file import require_new_folder

if TYPE_CHECKING:
    import keras

_LARGEST_DIFFERENCE, _LARGEST_IN_FLOAT16 = 1e-5, 5e-3
_LARGEST_RESIZED = 1e-3  # libraries round a pixel that lies between two gray levels either way
_BATCHES = (1, 3)


@dataclasses.dataclass(frozen=True)
class Exported:
    """A file for another library; as text, a table of how it compares with Keras.

    Args:
        path: Path. The file, or the folder of a SavedModel.
        card: dict. What the card beside it says.
    """

    path: Path
    card: dict

    def __str__(self) -> str:
        rows = [f"{'photos':>16s}  least cosine  largest difference"]
        rows += [
            f"{row['photos']:>16s}  {row['least_cosine']:12.7f}  {row['largest_difference']:18.1e}"
            for row in self.card["checked"]
        ]
        size = f"{self.card['megabytes']:.2f} MB, {self.card['dimensions']} dimensions"
        return "\n".join([*rows, f"{shown(self.path)}: {size}"])


def export(
    model: Path | str,
    *,
    format: ExportFormat = ExportConfig.format,
    out: Path | str = ExportConfig.out,
    image_size: tuple[int, int] | None = ExportConfig.image_size,
    float16: bool = ExportConfig.float16,
    resize_inside: bool = ExportConfig.resize_inside,
) -> Exported:
    """Writes a network for other programs, with a card that says how to feed it.

    The file is the whole function: uint8 RGB photos `(batch, rows, columns, C)` in, unit
    descriptors `(batch, D)` float32 out, and nothing else. It is run against Keras on photos of two
    sizes, one and three at once, and is only written if they agree.

    Args:
        model: Path or str. A `.keras` file, an old `.h5` file or the name of a network that ships.
        format: See `ExportConfig`, like the others. A key of `EXPORTS`.
        out: Path. Folder for the file and its card.
        image_size: (int, int) or None. Rows and columns that the file takes only.
        float16: bool. Store weights in 16 bits.
        resize_inside: bool. Take photos of any size.

    Returns:
        Exported.

    Raises:
        FileNotFoundError: If the model, or the folder that `out` lies in, is missing.
        ImportError: If what writes or checks the file is not installed.
        ValueError: If the setting is not one of the format, Keras does not run on TensorFlow, or
            the file does not compute what Keras computes.
    """
    settings = ExportConfig(
        format=format,
        out=Path(out),
        image_size=image_size,
        float16=float16,
        resize_inside=resize_inside,
    )
    row, path = choose(EXPORTS, format, "format"), find_model_file(model)
    require_new_folder(settings.out)
    _require(row.engine)
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
    with tempfile.TemporaryDirectory(dir=settings.out.parent, prefix=".unfinished-") as folder:
        made = Path(folder)
        if row.engine:
            ENGINES[row.engine].find().export(whole, made)
        else:
            whole.export(str(made / row.file), format="tf_saved_model", verbose=False)
        if row.engine in FINISHERS:
            FINISHERS[row.engine](made / row.file, facts, float16)
        checked = _check(_runner(row.engine, made), whole, facts, float16)
        card = card_of(path, format, facts, checked, _megabytes(made))
        settings.out.mkdir(exist_ok=True)
        for each in made.iterdir():
            _replace(each, settings.out / each.name)
    write_card(card, settings.out)
    if format == "rtabmap":
        write_hook(settings.out / "placevec_rtabmap.py", row.file, facts)
    return Exported(settings.out / row.file, card)


def _require(engine: str) -> None:
    from placevec.models.engines.accelerator import backend_name

    if engine and (missing := ENGINES[engine].missing(exporting=True)):
        raise ImportError(
            f"This format needs {' and '.join(missing)}. Install it: "
            f'pip install "placevec[{ENGINES[engine].extra}]"'
        )
    if backend_name() != "tensorflow":
        raise ValueError(
            f"Exports are made by Keras on TensorFlow. Received: KERAS_BACKEND={backend_name()}. "
            "Run it with KERAS_BACKEND=tensorflow"
        )


def _whole(network: "keras.Model", settings: ExportConfig) -> tuple["keras.Model", tuple[int, int]]:
    """Returns the network with the input that is asked for, and the size that it computes at."""
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


def _runner(engine: str, folder: Path) -> Callable[[NDArray[np.uint8]], NDArray[np.floating]]:
    """Returns what runs the file as other programs do."""
    if engine:
        return ENGINES[engine].find().load(folder, "float32", 1, 1)
    import tensorflow as tf

    served = tf.saved_model.load(str(folder / EXPORTS["savedmodel"].file))
    return lambda photos: np.asarray(served.serve(photos))


def _check(
    run: Callable, whole: "keras.Model", facts: Facts, float16: bool
) -> list[dict[str, object]]:
    """Returns how the file compares with Keras at each size and batch; refuses what differs."""
    import keras

    def by_keras(photos: NDArray[np.uint8]) -> NDArray[np.floating]:
        return keras.ops.convert_to_numpy(whole(photos))

    rows, columns = facts.image_size
    sizes = [facts.image_size]
    if facts.takes_any_size:
        sizes.append((rows * 3 // 4 + 1, columns * 5 // 4 + 1))
    largest = _LARGEST_RESIZED if facts.resizes_inside else _LARGEST_DIFFERENCE
    largest = _LARGEST_IN_FLOAT16 if float16 else largest
    checked = []
    for size in sizes:
        photos = check_photos(size, facts.channels)
        for batch in _BATCHES:
            found = compare(
                lambda _, batch=batch, photos=photos: run(photos[:batch]),
                lambda _, batch=batch, photos=photos: by_keras(photos[:batch]),
                photos[:1],
            )
            name = f"{batch} of {size[0]}x{size[1]}"
            if not found["largest_difference"] <= largest:
                raise ValueError(
                    "An export must compute what Keras computes. Received: for "
                    f"{name} a largest difference of {found['largest_difference']:.1e}, above "
                    f"{largest:g}. Nothing was written; choose another format"
                )
            checked.append({"photos": name, **found})
    return checked


def _megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6


def _replace(source: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    source.replace(target)
