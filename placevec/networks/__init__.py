"""The networks that ship with placevec, and the code that builds them."""
