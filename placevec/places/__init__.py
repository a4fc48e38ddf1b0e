"""Photos, where and when they were taken, and which of them show the same place."""

from placevec.places.dataset import PlaceDataset as PlaceDataset
from placevec.places.ground_truth import relevant_database as relevant_database
from placevec.places.tuples import TupleSampler as TupleSampler
