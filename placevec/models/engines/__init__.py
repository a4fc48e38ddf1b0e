"""Engines: what runs a saved model, from Keras to the fastest library that is installed."""

from placevec.models.engines.engine import Engine as Engine
from placevec.models.engines.open_engine import open_engine as open_engine
