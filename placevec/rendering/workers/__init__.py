"""Worker processes that render."""
