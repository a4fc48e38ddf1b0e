"""Training: batches of tuples, starting clusters, the loop over epochs, whitening and files."""

from placevec.training.batches import TupleBatches as TupleBatches
from placevec.training.cartwheel import PittsburgRenderer as PittsburgRenderer
from placevec.training.cartwheel import TimeMachineRender as TimeMachineRender
from placevec.training.cartwheel import WalksRenderer as WalksRenderer
from placevec.training.cartwheel import WalksRendererOnline as WalksRendererOnline
from placevec.training.cartwheel import load_tuples as load_tuples
from placevec.training.clusters import clusters_from_photos as clusters_from_photos
from placevec.training.train import Interrupted as Interrupted
from placevec.training.train import Training as Training
from placevec.training.train import train as train
from placevec.training.tuple_photos import TuplePhotos as TuplePhotos
from placevec.training.tuple_photos import augment_tuples as augment_tuples
from placevec.training.whitening import whiten as whiten
