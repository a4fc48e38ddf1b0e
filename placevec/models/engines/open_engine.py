"""Opens a model file with the library that runs it fastest."""

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig, TrainConfig
from placevec.config.choices import ENGINES, KERAS, EngineChoice, choose
from placevec.counted import counted
from placevec.images import fixed_size_of, image_size_of, refuse_other_size
from placevec.models.engines.accelerator import backend_name, has_accelerator
from placevec.models.engines.cache import Export, find_export, make_export
from placevec.models.engines.check import (
    LARGEST_DIFFERENCE,
    check_photos,
    compare,
    cpu_name,
    recorded,
)
from placevec.models.engines.engine import Engine
from placevec.models.engines.outputs import Outputs, descriptors_of
from placevec.models.engines.speed import find_speeds, keep_speeds, measure_speeds
from placevec.models.files.model_file import find_model_file
from placevec.models.files.shipped import check_descriptors, read_card, shipped_onnx
from placevec.process.workers import num_cores

if TYPE_CHECKING:
    import keras

_log = logging.getLogger(__name__)


def open_engine(
    model_path: Path | str | None = None,
    *,
    engine: str = DescribeConfig.engine,
    precision: str = DescribeConfig.precision,
    image_size: tuple[int, int] | None = None,
    parallel_calls: int | None = None,
    threads: int | None = None,
    calibration: Sequence[Path | str] = (),
    features: bool = False,
) -> Engine:
    """Opens a saved model with the fastest library for it, or with a chosen library.

    Engines other than Keras read an export of the model. Keras on TensorFlow makes the export once.
    placevec keeps it in the user's cache folder, or in the folder that `PLACEVEC_CACHE` names,
    under the hash of the model file. On first use at an image size, placevec compares its
    descriptors with Keras's and keeps the result too. From then on it opens the model without
    importing Keras. A network that ships with placevec comes with its ONNX form and with Keras's
    descriptors at its own size, so it never needs Keras at that size.

    Args:
        model_path: Path or None. A `.keras` file of this project, an old `.h5` file, or the name of
            a network that ships with placevec. None: the default network.
        engine: str. A key of `ENGINES`, or `"auto"`: Keras if it has a GPU, else the fastest
            installed engine that equals Keras, else Keras. placevec measures which engine is the
            fastest once per model, image size, machine and number of threads, and keeps the result
            in the cache. Defaults to `"auto"`.
        precision: str. `"float32"` equals Keras to 1e-5; `"bf16"` is faster on CPUs that support
            it; `"int8"` is coarser. `Engine.cost` says how much they differ. Defaults to
            `"float32"`.
        image_size: (int, int) or None. Rows and columns of the photos. None: those that the model
            was trained on.
        parallel_calls: int or None. Number of simultaneous calls. 1: the fastest answer for one
            photo. None: as many as threads, for the most photos per second.
        threads: int or None. Threads of all calls together, if other processes need the other
            cores. Keras ignores it and uses the threads of its backend. None: one per core.
        calibration: sequence of Path. Photos to fit int8 to, of which 136 are used, spread evenly.
            Only needed the first time: the cache keeps the int8 network.
        features: bool. Also compute local features in the same pass, which
            `Engine.with_features` returns. They need another export. Defaults to `False`.

    Returns:
        Engine.

    Raises:
        FileNotFoundError: If the model file does not exist.
        ImportError: If the chosen engine is not installed.
        OSError: If the export can neither be written to the cache nor to a temporary folder.
        ValueError: If the engine does not exist or does not have the precision, the model is
            damaged or cannot be exported, int8 has no photos to be fitted to, int8 is combined
            with local features, or float32 differs from Keras by more than 1e-5.

    Reference:
        [OpenVINO](https://docs.openvino.ai), [ONNX Runtime](https://onnxruntime.ai),
        [LiteRT](https://ai.google.dev/edge/litert).
    """
    opening = _Opening(
        find_model_file(model_path),
        precision,
        image_size,
        parallel_calls,
        threads,
        calibration,
        features,
    )
    opened = opening.open_fastest() if engine == "auto" else opening.open(engine)
    _log.info("%s runs the model, %s", opened.name, precision)
    return opened


class _Opening:
    """A model while it is being opened.

    It imports Keras and loads the model at most once, and not at all if the cache holds everything.
    """

    def __init__(
        self,
        path: Path,
        precision: str,
        image_size: tuple[int, int] | None,
        parallel_calls: int | None,
        threads: int | None,
        calibration: Sequence[Path | str],
        features: bool,
    ):
        if features and precision == "int8":
            raise ValueError(
                "Local features need float32 or bf16. Received: precision='int8'. "
                "Take another `--precision`, or go without local features"
            )
        for name, number in (("parallel_calls", parallel_calls), ("threads", threads)):
            if number is not None and number < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={number}")
        if image_size is not None and (len(image_size) != 2 or min(image_size) < 1):
            raise ValueError(
                "`image_size` must be (rows, columns), both positive. Received: "
                f"image_size={image_size}"
            )
        self.path, self.precision, self.image_size = path, precision, image_size
        self.threads = threads or num_cores()
        self.parallel_calls = parallel_calls or self.threads
        self.calibration, self.features = calibration, features
        self.exports: dict[str, Export] = {}

    @functools.cached_property
    def model(self) -> "keras.Model":
        from placevec.models.descriptor_model import load_model

        return load_model(self.path)

    @functools.cached_property
    def whole(self) -> "keras.Model":
        """The model with the requested outputs."""
        if not self.features:
            return self.model
        from placevec.models.features import with_features

        return with_features(self.model)

    @functools.cached_property
    def facts(self) -> dict:
        card = read_card(self.path)
        return self._facts_of_model() if card is None else card["facts"]

    def _facts_of_model(self) -> dict:
        from placevec.models.descriptor_model import model_id

        source = self.model.inputs[0]
        return {
            "image_size": list(image_size_of(self.model, usual=TrainConfig.image_size)),
            "fixed_size": list(fixed_size_of(self.model)),
            "channels": source.shape[-1],
            "descriptor_dim": self.model.output_shape[-1],
            "model_id": model_id(self.model),
        }

    def open(self, name: str) -> Engine:
        kind = choose(ENGINES, name, "engine")
        if self.precision not in kind.precisions:
            able = [each for each, row in ENGINES.items() if self.precision in row.precisions]
            raise ValueError(
                f"{name} computes in {', '.join(kind.precisions)}. Received: "
                f"precision={self.precision!r}, which {' and '.join(able) or 'no engine'} can"
            )
        if name == KERAS:
            return self._open_keras()
        self._require(name, kind, exporting=False)
        export = self._find_or_make(name, kind)
        size = self._size(export.facts)
        calls = self.parallel_calls
        with _one_line(f"{self.path} cannot be run by {name}", (OSError, ImportError, ValueError)):
            run = kind.find().load(export.folder, self.precision, self.threads, calls)
            run = run if self.features else _descriptors(run)  # a shipped ONNX file always has both
            checked = self._check(name, export, size, run)
        return self._engine(name, self._facts_of(export), size, calls, run, checked)

    def open_fastest(self) -> Engine:
        """Opens the engine that is the fastest here, or Keras if no other engine works."""
        able = [name for name, kind in ENGINES.items() if self.precision in kind.precisions]
        if KERAS not in able:
            return self.open(able[0])
        if has_accelerator():
            return self.open(KERAS)
        there = [name for name in able if not ENGINES[name].missing(exporting=False)]
        names = [name for name in there if name != KERAS]
        speeds, opened = self._measure(names) if len(names) > 1 else (dict.fromkeys(names, 0.0), {})
        for name in sorted(speeds, key=speeds.__getitem__, reverse=True):
            if engine := opened.get(name) or self._try(name):
                return engine
        return self.open(KERAS)

    def _try(self, name: str) -> Engine | None:
        try:
            return self.open(name)
        except Exception as error:  # a library may raise anything, and Keras can replace it
            _ = self.model  # unless it is the model that cannot be loaded
            _log.warning("%s does not work and is skipped: %s", name, _first_line(error))
            return None

    def _measure(self, names: Sequence[str]) -> tuple[dict[str, float], dict[str, Engine]]:
        """Returns photos per second of the engines that work, and the engines opened to measure."""
        rows, columns = self._size(self._known_facts(names))
        about = (
            f"{', '.join(names)} at {rows}x{columns}, {self.precision}, on {cpu_name()} by "
            f"{self.threads} threads, {self.parallel_calls} calls, exported by {backend_name()}"
        )
        if kept := find_speeds(self.path, about):
            return kept, {}
        opened = {name: engine for name in names if (engine := self._try(name))}
        first = next(iter(opened.values()), None)
        if first is None:
            return {}, {}
        speeds = measure_speeds(opened, check_photos(first.image_size, first.channels))
        _log.info("photos/s: %s", ", ".join(f"{name} {each:.1f}" for name, each in speeds.items()))
        with contextlib.suppress(OSError):  # a read-only cache only means measuring again
            keep_speeds(self.path, about, speeds)
        return speeds, opened

    def _find(self, name: str) -> Export | None:
        """Returns an export from the cache, and hashes its files at most once."""
        if name not in self.exports and (found := find_export(self.path, self._export_name(name))):
            self.exports[name] = found
        return self.exports.get(name)

    def _export_name(self, name: str) -> str:
        return f"{name}_features" if self.features else name

    def _known_facts(self, names: Sequence[str]) -> dict:
        """Returns facts about the model, from an export if one exists."""
        found = (self._find(name) for name in names)
        return next((export.facts for export in found if export), None) or self.facts

    def _find_or_make(self, name: str, kind: EngineChoice) -> Export:
        if self.precision == "int8" and (found := self._find(f"int8_{name}")):
            return found
        export = self._find(name) or self._export(name, kind)
        return self._quantize(name, kind, export) if self.precision == "int8" else export

    def _size(self, facts: dict) -> tuple[int, int]:
        """Returns the rows and columns that photos are resized to."""
        if self.image_size is None:
            rows, columns = facts["image_size"]
            return rows, columns
        refuse_other_size(facts["fixed_size"], self.image_size)
        rows, columns = self.image_size
        return rows, columns

    def _facts_of(self, export: Export) -> dict:
        if self.precision != "int8":
            return export.facts
        # A network fitted to other photos is another model: its vectors must not mix with these.
        fit = "".join(digest for _, digest in sorted(export.files.items()))
        number = hashlib.sha256(fit.encode()).hexdigest()[:8]
        return {**export.facts, "model_id": f"{export.facts['model_id']}-int8-{number}"}

    def _open_keras(self) -> Engine:
        size = self._size(self.facts)
        run = self._wrapped(self.precision)
        checked = {}
        if self.precision != "float32":
            reference = self._wrapped("float32")
            photos = check_photos(size, self.facts["channels"])
            checked = compare(_unit(run), reference, photos)
        return self._engine(KERAS, self.facts, size, 1, run, checked)

    def _wrapped(self, precision: str) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        from placevec.models.engines.runtimes.keras_engine import wrap

        return wrap(self.whole, precision)

    def _engine(
        self, name: str, facts: dict, size: tuple, calls: int, run: Callable, checked: dict
    ) -> Engine:
        return Engine(
            name=name,
            precision=self.precision,
            image_size=size,
            channels=facts["channels"],
            batch_size=ENGINES[name].batch_size,
            parallel_calls=calls,
            descriptor_dim=facts["descriptor_dim"],
            model_id=facts["model_id"],
            largest_difference=checked.get("largest_difference"),
            least_cosine=checked.get("least_cosine"),
            run=run if self.precision == "float32" else _unit(run),
        )

    def _require(self, name: str, kind: EngineChoice, exporting: bool) -> None:
        if missing := kind.missing(exporting):
            raise ImportError(
                f"The engine {name} needs {' and '.join(missing)}. "
                f'Install it: pip install "placevec[{kind.extra}]"'
            )

    def _quantize(self, name: str, kind: EngineChoice, export: Export) -> Export:
        if missing := kind.missing_quantizers():
            raise ImportError(
                f'int8 needs {" and ".join(missing)}. Install it: pip install "placevec[int8]"'
            )
        if not len(self.calibration):
            raise ValueError(
                f"int8 must first be fitted to photos, preferably training photos. Run `placevec "
                f"describe PHOTOS --model {self.path} --precision int8` once"
            )
        from placevec.models.engines.runtimes.int8 import quantize, read_photos

        size = self._size(export.facts)
        photos = read_photos(self.calibration, size, export.facts["channels"])
        make = functools.partial(quantize, export.folder, photos)
        make = functools.partial(_make_or_refuse, f"{self.path} cannot be fitted in int8", make)
        _log.info("fitting int8 to %s", counted(len(photos), "photo"))
        return make_export(self.path, f"int8_{name}", make, export.facts)

    def _export(self, name: str, kind: EngineChoice) -> Export:
        onnx = shipped_onnx(self.path) if kind.takes_onnx else None
        if onnx is None:
            make = self._exporter(name, kind)
        else:
            make = functools.partial(kind.find().from_onnx, onnx)
        problem = f"{self.path} cannot be exported for {name}"
        make = functools.partial(_make_or_refuse, problem, make)
        return make_export(self.path, self._export_name(name), make, self.facts)

    def _exporter(self, name: str, kind: EngineChoice) -> Callable[[Path], None]:
        self._require(name, kind, exporting=True)
        if backend_name() != "tensorflow":
            raise ValueError(
                "Only Keras on TensorFlow makes exports. Received: "
                f"KERAS_BACKEND={backend_name()}. Describe a photo with "
                "KERAS_BACKEND=tensorflow once, or take `--engine keras --precision float32`"
            )
        return functools.partial(kind.find().export, self.whole)

    def _check(self, name: str, export: Export, size: tuple[int, int], run: Callable) -> dict:
        """Returns how much the engine differs from Keras, which is measured on first use."""
        about = f"{size[0]}x{size[1]} {self.precision} on {cpu_name()}"
        checked = export.checks.get(about)
        if checked is None:
            run = run if self.precision == "float32" else _unit(run)
            descriptors = self._recorded(size)
            if descriptors is None:
                reference = self._wrapped("float32")
            else:  # descriptors suffice, because they are made from the local features
                run, reference = _descriptors(run), recorded(descriptors)
            checked = compare(run, reference, self._photos(export, size))
            with contextlib.suppress(OSError):  # a read-only cache only means comparing again
                export.keep_check(about, checked)
            _log.info(
                "%s, %s, compared with Keras in float32: dimensions within %.1e, least cosine %.7f",
                name, self.precision, checked["largest_difference"], checked["least_cosine"],
            )  # fmt: skip
        if self.precision == "float32" and not checked["largest_difference"] <= LARGEST_DIFFERENCE:
            raise ValueError(
                f"{name} must compute Keras's descriptors of {self.path} within "
                f"{LARGEST_DIFFERENCE:g}. Received: {checked['largest_difference']:.1e}. Take "
                "`--engine keras`"
            )
        return checked

    def _recorded(self, size: tuple[int, int]) -> NDArray[np.float32] | None:
        """Returns Keras's descriptors of `check_photos` if they ship with the network, or None."""
        return None if self.precision == "int8" else check_descriptors(self.path, size)

    def _photos(self, export: Export, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Returns the photos to compare engines on, which for int8 resemble those of its fit."""
        if self.precision != "int8":
            return check_photos(size, export.facts["channels"])
        from placevec.models.engines.runtimes.int8 import kept_photos

        return kept_photos(export.folder, size)


def _make_or_refuse(problem: str, make: Callable[[Path], None], folder: Path) -> None:
    with _one_line(problem, (OSError,)):
        make(folder)


@contextlib.contextmanager
def _one_line(problem: str, clear: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turns every error of a library into a one-line `ValueError`, except the `clear` ones."""
    try:
        yield
    except clear:
        raise
    except Exception as error:
        raise ValueError(
            f"{problem} ({_first_line(error)}). Take `--engine keras --precision float32`"
        ) from error


def _descriptors(
    run: Callable[[NDArray[np.uint8]], Outputs],
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    return lambda photos: descriptors_of(run(photos))


def _unit(run: Callable[[NDArray[np.uint8]], Outputs]) -> Callable[[NDArray[np.uint8]], Outputs]:
    """Scales descriptors to unit length in float32, because coarser precisions are not exact."""

    def scaled(photos: NDArray[np.uint8]) -> Outputs:
        outputs = run(photos)
        descriptors = np.asarray(descriptors_of(outputs), np.float32)
        lengths = np.linalg.norm(descriptors, axis=1, keepdims=True)
        descriptors = descriptors / np.maximum(lengths, 1e-6)
        return (descriptors, outputs[1]) if isinstance(outputs, tuple) else descriptors

    return scaled


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
