"""Reorders the first answers of a search by what both photos show at the same points."""
