"""Textures of the town, generated from a seed."""
