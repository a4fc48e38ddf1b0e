"""Learns vectors (descriptors) of photos; photos of the same place get vectors close together.

`import placevec` registers its layers and losses with Keras, so that `keras.saving.load_model`
opens a saved model. Keras itself is imported only when it is needed.
"""

# ruff: noqa: E402
import os
import sys

from placevec.process.interrupt import end_quietly_on_interrupt

# The command line is not imported here: its imports take a second.
if os.path.basename((sys.argv or [""])[0]) in ("placevec", "-m"):
    end_quietly_on_interrupt()

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import wrapt as _wrapt

from placevec.lazy_names import lazy_names
from placevec.process.silent_import import import_in_silence

# TensorFlow turns oneDNN on by itself only on CPUs with AVX-512, but other CPUs gain from it, too.
# TensorFlow reads this at import. Once it is imported, setting it would only mislead subprocesses.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import_in_silence()

if TYPE_CHECKING:
    from placevec.checking import check as check
    from placevec.checking import doctor as doctor
    from placevec.checking import info as info
    from placevec.collecting import collect as collect
    from placevec.deploy import export as export
    from placevec.evaluation import compare as compare
    from placevec.evaluation import evaluate as evaluate
    from placevec.evaluation import recall as recall
    from placevec.evaluation import split as split
    from placevec.grouping import group as group
    from placevec.loops import LoopDetector as LoopDetector
    from placevec.loops import calibrate as calibrate
    from placevec.loops import find_loops as find_loops
    from placevec.models import Engine
    from placevec.models import crop as crop
    from placevec.models import open_engine as open_engine
    from placevec.rendering import render as render
    from placevec.retrieval import demo as demo
    from placevec.retrieval import describe as describe
    from placevec.retrieval import describe_to as describe_to
    from placevec.retrieval import search as search
    from placevec.sources import PlaceDataset as PlaceDataset
    from placevec.sources import open_places as open_places
    from placevec.store import index as index
    from placevec.store import remove as remove
    from placevec.training import train as train
    from placevec.training import whiten as whiten

_HOMES = {
    "placevec.sources": ("PlaceDataset", "open_places"),
    "placevec.models": ("crop", "open_engine"),
    "placevec.store": ("index", "remove"),
    "placevec.retrieval": ("demo", "describe", "describe_to", "search"),
    "placevec.rendering": ("render",),
    "placevec.collecting": ("collect",),
    "placevec.checking": ("check", "doctor", "info"),
    "placevec.deploy": ("export",),
    "placevec.evaluation": ("compare", "evaluate", "recall", "split"),
    "placevec.loops": ("LoopDetector", "calibrate", "find_loops"),
    "placevec.grouping": ("group",),
    "placevec.training": ("train", "whiten"),
}

__all__ = ["load_model", *(name for names in _HOMES.values() for name in names)]
__version__ = "0.2.0"
__getattr__ = lazy_names(__name__, _HOMES)[0]


def load_model(
    model: Path | str | None = None, *, image_size: tuple[int, int] | None = None
) -> "Engine":
    """Opens a model; `load_model().describe(paths)` then returns descriptors (N, D).

    The fastest installed library that computes the same as Keras runs it. Use `open_engine` for
    more settings, or `placevec.models.load_model` for the Keras network.

    Args:
        model: Path, str or None. `"tiny"` or `"small"`, which ship with placevec; a `.keras` file
            of this project; or an old `.h5` file. None: `"small"`.
        image_size: (int, int) or None. Rows and columns that photos are resized to. None: the size
            that the model was trained on.

    Returns:
        Engine.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the model is damaged, or its input shape is fixed to another size.
    """
    from placevec.models import open_engine

    return open_engine(model, image_size=image_size)


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})


@_wrapt.when_imported("keras")
def _register_with_keras(_module: object) -> None:
    importlib.import_module("placevec.layers")
    importlib.import_module("placevec.losses")
    from placevec.config.choices import AGGREGATORS, LOSSES

    for row in (*AGGREGATORS.values(), *LOSSES.values()):
        row.find()
