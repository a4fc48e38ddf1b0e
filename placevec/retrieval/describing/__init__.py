"""Describes photos to a file or to a store, on one machine or many."""
