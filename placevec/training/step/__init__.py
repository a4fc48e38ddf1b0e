"""One training step: the model of a tuple, its optimizer, and its devices."""
