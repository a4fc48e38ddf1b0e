"""Draws scenes by Panda3D, without a display."""
