"""The free space of a 3-D model: what is in the way, and where one can stand and walk."""
