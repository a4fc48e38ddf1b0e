"""Poses of cameras: quaternions, trajectories, time stamps, depth images, georeferences."""
