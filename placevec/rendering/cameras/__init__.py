"""Where cameras can be in a 3-D model."""
