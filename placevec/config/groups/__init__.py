"""The groups of training settings: one for each part of a training."""
