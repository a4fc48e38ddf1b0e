"""Networks as files for other programs, each with a card and checked against Keras."""

from placevec.deploy.export import Exported as Exported
from placevec.deploy.export import export as export
