"""The libraries that run a network, a file each, and what fits one to 8 bits."""
