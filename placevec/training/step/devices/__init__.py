"""Several devices: a batch of tuples split over them, as each backend does it."""
