"""The synthetic town: streets, houses, cars and passers-by, made from a seed."""
