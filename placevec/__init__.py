"""Learns vectors of photos such that photos of one place lie close together.

`import placevec` makes its layers and losses known to Keras, so that a saved model loads with
`keras.saving.load_model`. Keras itself is imported only when something needs it.
"""

import importlib
import os
import sys

import wrapt

from placevec.lazy_names import lazy_names
from placevec.process.silent_import import import_in_silence

# TensorFlow takes oneDNN by itself only on CPUs with AVX-512; others gain by it, too. It reads this
# when it is imported: later, it would only mislead processes that are started from here.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import_in_silence()

_HOMES = {
    "placevec.places": ("PlaceDataset",),
    "placevec.sources": ("open_places",),
    "placevec.models": ("load_model", "open_engine"),
    "placevec.retrieval": ("describe",),
    "placevec.evaluation": ("recall",),
    "placevec.training": ("train",),
}

__all__ = [name for names in _HOMES.values() for name in names]
__version__ = "0.1.0"
__getattr__, __dir__ = lazy_names(__name__, _HOMES)


@wrapt.when_imported("keras")
def _register_with_keras(_module: object) -> None:
    importlib.import_module("placevec.layers")
    importlib.import_module("placevec.losses")
    from placevec.config.choices import LOSSES

    for row in LOSSES.values():
        row.find()
