"""Where and when photos were taken, and which of them show the same place."""

from placevec.places.dataset import PlaceDataset as PlaceDataset
from placevec.places.extent import extent_m as extent_m
from placevec.places.ground_truth import may_answer as may_answer
from placevec.places.ground_truth import most_barred as most_barred
from placevec.places.ground_truth import relevant_database as relevant_database
from placevec.places.join import join_datasets as join_datasets
from placevec.places.points import points_matrix as points_matrix
from placevec.places.points import points_of_depth as points_of_depth
from placevec.places.runs import adjacent_in_run as adjacent_in_run
from placevec.places.split import SPLITS as SPLITS
from placevec.places.split import Split as Split
from placevec.places.split import draw_roles as draw_roles
from placevec.places.split import split_photos as split_photos
from placevec.places.tuples import TupleSampler as TupleSampler
from placevec.places.turn import turn_deg as turn_deg
