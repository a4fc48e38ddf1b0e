"""Training: batches of tuples, starting clusters, the loop over epochs, whitening and files."""

from placevec.training.batches import TupleBatches as TupleBatches
from placevec.training.clusters import clusters_from_photos as clusters_from_photos
from placevec.training.train import Interrupted as Interrupted
from placevec.training.train import Training as Training
from placevec.training.train import train as train
from placevec.training.whitening import whiten as whiten
