"""A folder of rendered photos, and what lies beside them."""
