"""Processes that work for this one and end with it, its freed memory, its quiet imports."""
