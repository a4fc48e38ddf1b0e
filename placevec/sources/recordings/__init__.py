"""Drives, flights and walks with poses over time: TUM, EuRoC, KITTI, rosbag and others."""
