"""Training: batches of tuples, initial clusters, the loop over epochs, whitening and files."""

from placevec.training.run.results import Training as Training
from placevec.training.run.stopping import Interrupted as Interrupted
from placevec.training.start.clusters import clusters_from_photos as clusters_from_photos
from placevec.training.start.whitening import whiten as whiten
from placevec.training.train import train as train
from placevec.training.tuples.batches import TupleBatches as TupleBatches
