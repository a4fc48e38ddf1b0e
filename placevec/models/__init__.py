"""Networks: backbones, the descriptor model, weights and old models."""

from placevec.models.backbones import BACKBONES as BACKBONES
from placevec.models.descriptor_model import build_descriptor_model as build_descriptor_model
from placevec.models.descriptor_model import holds_aggregator as holds_aggregator
from placevec.models.descriptor_model import holds_projection as holds_projection
from placevec.models.descriptor_model import load_model as load_model
from placevec.models.descriptor_model import model_id as model_id
from placevec.models.descriptor_model import save_model as save_model
from placevec.models.descriptor_model import without_xla as without_xla
from placevec.models.engines import Engine as Engine
from placevec.models.engines import open_engine as open_engine
from placevec.models.keras_file import load_keras as load_keras
from placevec.models.measure import ModelCost as ModelCost
from placevec.models.measure import measure_model as measure_model
from placevec.models.weights import load_weights as load_weights
from placevec.models.whitening import append_partial_whitening as append_partial_whitening
from placevec.models.whitening import append_whitening as append_whitening
from placevec.models.whitening import crop_whitening as crop_whitening
from placevec.models.whitening import remove_whitening as remove_whitening
