"""Writes the results of a search as tables, pages, maps and pictures."""
