"""Reads videos: their frames, the times of frames, and when they start."""
