"""Splits a batch of tuples over several devices, on each backend."""
