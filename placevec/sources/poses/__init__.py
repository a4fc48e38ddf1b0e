"""Camera poses: quaternions, trajectories, time stamps, depth images, georeferences."""
