"""The networks that ship with placevec, as files, and what makes them again."""
