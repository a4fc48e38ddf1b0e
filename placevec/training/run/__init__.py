"""One training run: its epochs, what it measures and writes, and when it ends."""
