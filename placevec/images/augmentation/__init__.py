"""Augments photos so that they show the same place: presets, changes of light, workers."""
