"""The networks that ship with placevec."""

from placevec.config.model import ModelConfig

NETWORKS = {
    "tiny": ModelConfig(num_clusters=8),
    "small": ModelConfig(backbone="efficientnetlite0", cut_layer="block_10_add", num_clusters=9),
}
"""Settings of each network, by its name. Partial whitening follows the network."""

DEFAULT_NETWORK = "small"
"""The network that describes photos if no other is named."""

NETWORK_WHITEN_RANK = 40
"""Number of directions that their partial whitening shrinks."""
