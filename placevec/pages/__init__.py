"""Builds HTML pages for people to read: single files with small photos inside."""
