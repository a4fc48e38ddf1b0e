"""Renders photos with positions from 3-D worlds by Panda3D, in the folder format."""

from placevec.rendering.drawing.renderer import Renderer as Renderer
from placevec.rendering.open_scenery import open_scenery as open_scenery
from placevec.rendering.render import Rendering as Rendering
from placevec.rendering.render import render as render
from placevec.rendering.scenes.camera import Pose as Pose
from placevec.rendering.scenes.weather import plan_visit as plan_visit
from placevec.rendering.stream import PhotoStream as PhotoStream
from placevec.rendering.workers.stream_workers import StreamWorkers as StreamWorkers
from placevec.rendering.worlds.load_world import load_world as load_world
