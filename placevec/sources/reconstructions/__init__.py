"""Reconstructions from structure from motion: COLMAP, OpenSfM, kapture."""
