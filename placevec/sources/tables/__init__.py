"""Photos with positions in a table, in their names, or in their EXIF; splits and points on disk."""
