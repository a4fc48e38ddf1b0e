"""Loaders and networks of the cartwheel scripts. Only the old names use them."""

from placevec.cartwheel.loaders import PittsburgRenderer as PittsburgRenderer
from placevec.cartwheel.loaders import TimeMachineRender as TimeMachineRender
from placevec.cartwheel.loaders import WalksRenderer as WalksRenderer
from placevec.cartwheel.loaders import WalksRendererOnline as WalksRendererOnline
from placevec.cartwheel.loaders import load_tuples as load_tuples
from placevec.cartwheel.tuple_photos import TuplePhotos as TuplePhotos
from placevec.cartwheel.tuple_photos import augment_tuples as augment_tuples
