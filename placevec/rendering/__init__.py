"""3-D worlds -> photos and positions, drawn by Panda3D and written in the folder format."""

from placevec.rendering.render_town import render_town as render_town
from placevec.rendering.town_stream import TownStream as TownStream
