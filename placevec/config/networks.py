"""The networks that ship with placevec."""

from placevec.config.model import ModelConfig

NETWORKS = {
    "tiny": ModelConfig(num_clusters=8),
    "small": ModelConfig(backbone="efficientnetlite0", cut_layer="block_10_add", num_clusters=9),
}
"""Name -> what the network is made of; partial whitening follows."""

DEFAULT_NETWORK = "small"
"""The network that describes photos if no other is named."""

NETWORK_WHITEN_RANK = 40
"""Directions that their partial whitening shrinks."""
