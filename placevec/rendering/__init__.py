"""3-D worlds -> photos and positions, drawn by Panda3D and written in the folder format."""

from placevec.rendering.render import Rendering as Rendering
from placevec.rendering.render import render as render
from placevec.rendering.scenery import open_scenery as open_scenery
from placevec.rendering.stream import PhotoStream as PhotoStream
from placevec.rendering.stream_workers import StreamWorkers as StreamWorkers
