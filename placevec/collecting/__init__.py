"""Street-level imagery services -> photos and positions, written in the folder format."""

from placevec.collecting.collect import collect as collect
