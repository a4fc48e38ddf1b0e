"""Videos: their frames, the times of frames, when they start."""
