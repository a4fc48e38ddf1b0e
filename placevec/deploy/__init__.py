"""Exports networks for other programs, with a card, and checks them against Keras."""

from placevec.deploy.export import Exported as Exported
from placevec.deploy.export import export as export
