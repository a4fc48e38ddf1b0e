"""Finding places: describing photos, searching them, measuring recall, drawing what was found."""

from placevec.retrieval.describe import NoReadablePhotoError as NoReadablePhotoError
from placevec.retrieval.describe import describe as describe
from placevec.retrieval.describe import describe_batches as describe_batches
from placevec.retrieval.describe import no_progress as no_progress
from placevec.retrieval.describe import photo_size as photo_size
from placevec.retrieval.describe_store import describe_into as describe_into
from placevec.retrieval.describe_store import open_for as open_for
from placevec.retrieval.descriptor_file import load_descriptors as load_descriptors
from placevec.retrieval.descriptor_file import save_descriptors as save_descriptors
from placevec.retrieval.evaluate import Evaluation as Evaluation
from placevec.retrieval.evaluate import evaluate as evaluate
from placevec.retrieval.figures import draw_found as draw_found
from placevec.retrieval.figures import draw_matches as draw_matches
from placevec.retrieval.figures import draw_recall as draw_recall
from placevec.retrieval.figures import draw_split as draw_split
from placevec.retrieval.index import StoreIndex as StoreIndex
from placevec.retrieval.look_up import search_photos as search_photos
from placevec.retrieval.recall import recall as recall
from placevec.retrieval.recommend import reach_recall as reach_recall
from placevec.retrieval.recommend import recommend_index as recommend_index
from placevec.retrieval.search import nearest as nearest
from placevec.retrieval.search import nearest_in_store as nearest_in_store
from placevec.retrieval.split import SPLITS_PICTURE as SPLITS_PICTURE
from placevec.retrieval.split import make_split as make_split
from placevec.retrieval.store import DescriptorStore as DescriptorStore
from placevec.retrieval.where import Where as Where
