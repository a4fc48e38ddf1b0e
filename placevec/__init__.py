"""Learns vectors of photos such that photos of one place lie close together.

`import placevec` makes its layers and losses known to Keras, so that a saved model loads with
`keras.saving.load_model`. Keras itself is imported only when something needs it.
"""

import importlib
import os
import sys

import wrapt

from placevec.process.silent_import import import_in_silence

# TensorFlow takes oneDNN by itself only on CPUs with AVX-512; others gain by it, too. It reads this
# when it is imported: later, it would only mislead processes that are started from here.
if "tensorflow" not in sys.modules:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import_in_silence()

_HOMES = {
    "PlaceDataset": "placevec.places",
    "open_places": "placevec.sources",
    "load_model": "placevec.models",
    "open_engine": "placevec.models",
    "describe": "placevec.retrieval",
    "recall": "placevec.evaluation",
    "train": "placevec.training",
}

__all__ = list(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'placevec' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


@wrapt.when_imported("keras")
def _register_with_keras(_module: object) -> None:
    importlib.import_module("placevec.layers")
    importlib.import_module("placevec.losses")
    from placevec.config.choices import LOSSES

    for row in LOSSES.values():
        row.find()
