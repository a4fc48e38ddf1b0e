"""Pixels become other pixels of the same place: presets, streets in other light, workers."""
