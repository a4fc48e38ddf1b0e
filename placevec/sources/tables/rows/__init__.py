"""The rows of a table of photos: CSV, Parquet, and the names of their columns."""
