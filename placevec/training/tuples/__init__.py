"""Chooses the photos of tuples, randomly or by mining, and reads or renders their pixels."""
