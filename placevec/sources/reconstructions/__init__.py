"""Scenes that structure from motion rebuilt: COLMAP, OpenSfM, kapture."""
