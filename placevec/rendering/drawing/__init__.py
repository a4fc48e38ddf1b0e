"""Scenes to pixels, by Panda3D, without a display."""
