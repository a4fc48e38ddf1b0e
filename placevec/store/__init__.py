"""Keeps descriptors of millions of photos on disk, and searches among them."""

from placevec.store.adapted import AdaptedStore as AdaptedStore
from placevec.store.check_store import StoreReport as StoreReport
from placevec.store.check_store import check_store as check_store
from placevec.store.facts import describe_facts as describe_facts
from placevec.store.facts import store_facts as store_facts
from placevec.store.files.descriptor_file import load_descriptors as load_descriptors
from placevec.store.files.descriptor_file import save_descriptors as save_descriptors
from placevec.store.map_statistics import MapStatistics as MapStatistics
from placevec.store.map_statistics import fit_map_statistics as fit_map_statistics
from placevec.store.remove import Removed as Removed
from placevec.store.remove import remove as remove
from placevec.store.search.build import Indexed as Indexed
from placevec.store.search.build import index as index
from placevec.store.search.exact import nearest as nearest
from placevec.store.search.exact import nearest_in_store as nearest_in_store
from placevec.store.search.index import StoreIndex as StoreIndex
from placevec.store.search.recommend import reach_recall as reach_recall
from placevec.store.search.recommend import recommend_index as recommend_index
from placevec.store.store import DescriptorStore as DescriptorStore
from placevec.store.store_writer import StoreWriter as StoreWriter
from placevec.store.where import Where as Where
