"""The synthetic town: streets, houses, cars and passers-by, generated from a seed."""
