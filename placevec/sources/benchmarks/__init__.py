"""Data sets that papers report recall on: Pittsburgh, Tokyo 24/7, GSV-Cities, MSLS and others."""
