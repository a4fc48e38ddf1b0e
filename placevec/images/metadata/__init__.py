"""Reads what a photo file says before it is decoded: size, orientation, time, position."""
