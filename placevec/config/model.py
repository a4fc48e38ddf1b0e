"""What a network is made of."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import AGGREGATORS, AggregatorName, BackboneName, Exposure
from placevec.config.limits import AtLeast, Between
from placevec.config.refusals import need_applicable, refuse, settle


@dataclass(frozen=True)
class ModelConfig:
    """What the network consists of."""

    backbone: BackboneName = "mobilenetv2"
    """Network that turns a photo into a grid of local features."""
    cut_layer: str = "block_9_add"
    """Layer of the backbone whose output is aggregated, such as block_9_add (mobilenetv2),
    conv_pw_7_relu (mobilenet), block5_conv3 (vgg16), conv4_block6_out (resnet50) or patch_grid
    (dinov2b)."""
    linear_cut: bool = False
    """Leave out the activation inside the cut layer, as NetVLAD's paper does with VGG16."""
    channels: int = 3
    """Channels of a photo: 3 for color, 1 for gray."""
    exposure: Exposure = "as_taken"
    """Change of the pixels before the backbone: as_taken makes none; log evens out light with a
    logarithm and a common mean and spread, for photos at dusk and night."""
    weights: str = "none"
    """Initial weights of the backbone: imagenet (pretrained, downloaded; those of efficientnetlite0
    up to block_10_add ship with placevec), none (random), or a .npz, .h5 or .keras file, read by
    layer name."""
    allow_missing_weights: bool = False
    """Continue if the weights file has no weights for some layers; these layers stay random."""
    keep_old_clusters: bool = False
    """Keep the trained clusters of an old .h5 file in `weights`. Otherwise placevec starts new
    clusters from the training photos. This needs `normalize_features` false and the `num_clusters`
    of the file."""
    batch_norm_momentum: Annotated[float, Between(0, 1)] = 0.9
    """Share of the running statistics that a training step keeps. The value of the ImageNet
    networks, 0.999, does not settle in a short training."""
    aggregator: AggregatorName = "netvlad"
    """Layer that aggregates local features into one descriptor."""
    aggregator_dim: Annotated[int | None, AtLeast(1)] = None
    """Dimensions that conv_ap, mixvpr and salad project local features to. None: 512, 1024 and 128,
    as in their papers."""
    num_clusters: Annotated[int, AtLeast(1)] = 16
    """K, the number of clusters in netvlad and salad."""
    num_ghost_clusters: Annotated[int, AtLeast(0)] = 0
    """G, the number of netvlad's ghost clusters, which absorb features that describe nothing
    (GhostVLAD)."""
    assignment_bias: bool = True
    """Give the soft assignment of netvlad a bias. v2 needs it; the paper's published networks have
    none."""
    normalize_features: bool = True
    """Scale each local feature to unit length before netvlad aggregates it."""
    projection_dim: Annotated[int, AtLeast(0)] = 0
    """Dimensions of the descriptor after a linear projection that is trained with the rest. 0: no
    projection."""

    def __post_init__(self) -> None:
        settle(self)
        if self.channels not in (1, 3):
            refuse(self, "channels", "3 (color) or 1 (gray)")
        need_applicable(self, AGGREGATORS, self.aggregator)
        if self.keep_old_clusters and self.normalize_features:
            raise ValueError(
                "`keep_old_clusters` needs `normalize_features` false, because the clusters of old "
                ".h5 files were trained on local features as they are. Received: "
                "normalize_features=True"
            )
        if self.keep_old_clusters and not self.assignment_bias:
            refuse(self, "assignment_bias", "true with `keep_old_clusters`")

    @property
    def starts_random(self) -> bool:
        """Whether the network starts from random weights."""
        return self.weights == "none"
