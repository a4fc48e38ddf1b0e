"""One step: the model of a tuple, its optimizer, the devices that it runs on."""
