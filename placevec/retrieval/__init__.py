"""Finding places: describing photos, searching them, measuring recall, drawing what was found."""

from placevec.retrieval.describe import NoReadablePhotoError as NoReadablePhotoError
from placevec.retrieval.describe import describe as describe
from placevec.retrieval.describe import no_progress as no_progress
from placevec.retrieval.describe import photo_size as photo_size
from placevec.retrieval.descriptor_file import load_descriptors as load_descriptors
from placevec.retrieval.descriptor_file import save_descriptors as save_descriptors
from placevec.retrieval.evaluate import Evaluation as Evaluation
from placevec.retrieval.evaluate import evaluate as evaluate
from placevec.retrieval.figures import draw_matches as draw_matches
from placevec.retrieval.figures import draw_recall as draw_recall
from placevec.retrieval.figures import draw_split as draw_split
from placevec.retrieval.recall import recall as recall
from placevec.retrieval.search import nearest as nearest
from placevec.retrieval.split import SPLITS_PICTURE as SPLITS_PICTURE
from placevec.retrieval.split import make_split as make_split
from placevec.retrieval.store import DescriptorStore as DescriptorStore
