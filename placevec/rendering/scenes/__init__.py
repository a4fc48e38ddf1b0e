"""Scenes to draw: surfaces under a sky, in some weather, seen by a camera."""
