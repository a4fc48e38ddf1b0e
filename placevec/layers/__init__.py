"""Keras layers of the networks: from pixels to numbers, and from local features to a descriptor."""

import keras  # noqa: F401  its first import imports all layers, so that none may be half imported

from placevec.layers.area_resize import AreaResize as AreaResize
from placevec.layers.clusters import assignment_weights as assignment_weights
from placevec.layers.clusters import initialize_clusters as initialize_clusters
from placevec.layers.clusters import kmeans as kmeans
from placevec.layers.conv_ap import ConvAP as ConvAP
from placevec.layers.gem import GeM as GeM
from placevec.layers.ghostvlad import GhostVLAD as GhostVLAD
from placevec.layers.l2_normalize import l2_normalize as l2_normalize
from placevec.layers.layer_scale import LayerScale as LayerScale
from placevec.layers.log_exposure import LogExposure as LogExposure
from placevec.layers.mac import MAC as MAC
from placevec.layers.mixvpr import MixVPR as MixVPR
from placevec.layers.netvlad import NetVLAD as NetVLAD
from placevec.layers.partial_whitening import PartialWhitening as PartialWhitening
from placevec.layers.partial_whitening import check_whitening_rank as check_whitening_rank
from placevec.layers.partial_whitening import fit_partial_whitening as fit_partial_whitening
from placevec.layers.patch_grid import PatchGrid as PatchGrid
from placevec.layers.patch_tokens import PatchTokens as PatchTokens
from placevec.layers.photo_augmentation import PhotoAugmentation as PhotoAugmentation
from placevec.layers.pixel_scaling import PixelScaling as PixelScaling
from placevec.layers.salad import SALADLike as SALADLike
from placevec.layers.spoc import SPoC as SPoC
from placevec.layers.whitening import Whitening as Whitening
from placevec.layers.whitening import check_whitening_dim as check_whitening_dim
from placevec.layers.whitening import fit_whitening as fit_whitening
