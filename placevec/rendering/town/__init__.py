"""The made town: streets, houses, cars and passers-by, drawn from a seed."""
