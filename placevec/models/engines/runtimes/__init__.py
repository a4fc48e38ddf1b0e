"""The libraries that run a network, one file each, and the fitting of int8."""
