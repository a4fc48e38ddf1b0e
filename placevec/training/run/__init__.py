"""What a run writes and measures from epoch to epoch, and when it ends."""
