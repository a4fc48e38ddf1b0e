"""Collects photos with positions from street-level services, in the folder format."""

from placevec.collecting.collect import collect as collect
