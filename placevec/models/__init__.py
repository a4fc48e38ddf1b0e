"""Networks: backbones, the descriptor model, weights and old models.

Importing this package does not import Keras: a name that needs Keras is imported when it is first
used, and `open_engine` imports Keras only if the user's cache does not hold the model's export.
"""

from typing import TYPE_CHECKING

from placevec.lazy_names import lazy_names
from placevec.models.engines import Engine as Engine
from placevec.models.engines import open_engine as open_engine
from placevec.models.measure_file import measure_file as measure_file
from placevec.models.model_cost import ModelCost as ModelCost

if TYPE_CHECKING:
    from placevec.models.descriptor_model import as_model as as_model
    from placevec.models.descriptor_model import build_descriptor_model as build_descriptor_model
    from placevec.models.descriptor_model import holds_aggregator as holds_aggregator
    from placevec.models.descriptor_model import holds_projection as holds_projection
    from placevec.models.descriptor_model import load_model as load_model
    from placevec.models.descriptor_model import model_id as model_id
    from placevec.models.descriptor_model import save_model as save_model
    from placevec.models.descriptor_model import without_xla as without_xla
    from placevec.models.files.keras_file import load_keras as load_keras
    from placevec.models.files.weights import load_weights as load_weights
    from placevec.models.measure import measure_model as measure_model
    from placevec.models.whitening import append_partial_whitening as append_partial_whitening
    from placevec.models.whitening import append_whitening as append_whitening
    from placevec.models.whitening import crop as crop
    from placevec.models.whitening import remove_whitening as remove_whitening

_HOMES = {
    "placevec.models.descriptor_model": (
        "as_model",
        "build_descriptor_model",
        "holds_aggregator",
        "holds_projection",
        "load_model",
        "model_id",
        "save_model",
        "without_xla",
    ),
    "placevec.models.files.keras_file": ("load_keras",),
    "placevec.models.measure": ("measure_model",),
    "placevec.models.files.weights": ("load_weights",),
    "placevec.models.whitening": (
        "append_partial_whitening",
        "append_whitening",
        "crop",
        "remove_whitening",
    ),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
