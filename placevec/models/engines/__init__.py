"""Engines: the libraries that run a saved model, from Keras to the fastest one installed."""

from placevec.models.engines.engine import Engine as Engine
from placevec.models.engines.open_engine import open_engine as open_engine
