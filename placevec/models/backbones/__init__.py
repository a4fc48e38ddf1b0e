"""The networks that turn a photo into a grid of local features."""
