"""Finds photos that are the same: same file, same bytes, same pixels, or nearly."""
