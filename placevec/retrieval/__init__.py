"""Finds places: describes photos, into a store or a file, and looks them up."""

from placevec.models.describe import BATCH_SIZE as BATCH_SIZE
from placevec.models.describe import NoReadablePhotoError as NoReadablePhotoError
from placevec.models.describe import describe as describe
from placevec.models.describe import describe_in_batches as describe_in_batches
from placevec.retrieval.demo import demo as demo
from placevec.retrieval.describing.describe_by_ray import describe_by_ray as describe_by_ray
from placevec.retrieval.describing.describe_store import describe_into as describe_into
from placevec.retrieval.describing.describe_store import open_for as open_for
from placevec.retrieval.describing.describe_store import require_store_takes as require_store_takes
from placevec.retrieval.describing.describe_to import Described as Described
from placevec.retrieval.describing.describe_to import describe_to as describe_to
from placevec.retrieval.found.draw import draw_found as draw_found
from placevec.retrieval.found.found import Found as Found
from placevec.retrieval.gap import gaps as gaps
from placevec.retrieval.look_up import find_model as find_model
from placevec.retrieval.look_up import search as search
from placevec.retrieval.look_up import search_photos as search_photos
from placevec.retrieval.reranking.local_features import (
    describe_with_features as describe_with_features,
)
from placevec.retrieval.reranking.rerank import LocalMatcher as LocalMatcher
from placevec.retrieval.reranking.rerank import Reranked as Reranked
from placevec.retrieval.reranking.rerank import map_matcher as map_matcher
from placevec.retrieval.reranking.rerank import rerank as rerank
from placevec.retrieval.sequences import SequenceMatcher as SequenceMatcher
from placevec.retrieval.sequences import match_sequences as match_sequences

# These moved to placevec.store, and can still be imported from here for one more release.
from placevec.store import DescriptorStore as DescriptorStore
from placevec.store import StoreIndex as StoreIndex
from placevec.store import StoreWriter as StoreWriter
from placevec.store import Where as Where
from placevec.store import load_descriptors as load_descriptors
from placevec.store import nearest as nearest
from placevec.store import save_descriptors as save_descriptors
