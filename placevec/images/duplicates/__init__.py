"""Which photos are the same: the same file, the same bytes, the same pixels, or nearly."""
