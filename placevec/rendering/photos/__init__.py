"""A folder of rendered photos and the files beside them."""
