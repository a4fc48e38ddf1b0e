"""Fits parts of a network to the training photos before the first step: clusters, whitening."""
