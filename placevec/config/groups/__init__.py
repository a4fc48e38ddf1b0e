"""The groups of what a training is told: each part of a training takes its own."""
