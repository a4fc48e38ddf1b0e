"""Computes how well places are found: recall, precision, intervals and thresholds."""
