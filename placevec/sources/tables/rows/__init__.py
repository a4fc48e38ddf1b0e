"""The rows of a table of photos: CSV, Parquet, and what their columns are called."""
