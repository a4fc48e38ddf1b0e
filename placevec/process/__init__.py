"""Processes: workers, reuse of freed memory, quiet imports and Ctrl-C."""
