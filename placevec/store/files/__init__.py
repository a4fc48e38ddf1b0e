"""The files that a store consists of."""
