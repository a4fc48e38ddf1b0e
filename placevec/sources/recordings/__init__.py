"""Drives, flights and walks with a pose for each time: TUM, EuRoC, KITTI, rosbag and others."""
