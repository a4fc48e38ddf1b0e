"""Finds where cameras can be in a 3-D model."""
