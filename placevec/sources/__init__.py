"""Readers of photos and positions in many formats; each returns a PlaceDataset."""

from placevec.places import PlaceDataset as PlaceDataset
from placevec.sources.benchmarks.pittsburgh import Cutout as Cutout
from placevec.sources.benchmarks.pittsburgh import parse_cutout_name as parse_cutout_name
from placevec.sources.path_options import split_options as split_options
from placevec.sources.registry import READERS as READERS
from placevec.sources.registry import find_reader as find_reader
from placevec.sources.registry import find_split as find_split
from placevec.sources.registry import open_places as open_places
from placevec.sources.tables.data_frame import read_frame as read_frame
from placevec.sources.tables.folder import PhotoName as PhotoName
from placevec.sources.tables.folder import parse_photo_name as parse_photo_name
from placevec.sources.tables.folder import photo_name as photo_name
from placevec.sources.tables.points import write_points as write_points
from placevec.sources.tables.splits import SPLITS_FILE as SPLITS_FILE
from placevec.sources.tables.splits import write_splits as write_splits
from placevec.sources.walk import list_photos as list_photos
