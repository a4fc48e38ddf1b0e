"""What a network takes from the training photos before the first step: clusters, whitening."""
