"""GhostVLAD: NetVLAD with clusters that absorb uninformative features."""

import keras

from placevec.layers.netvlad import NetVLAD


@keras.saving.register_keras_serializable(package="placevec")
class GhostVLAD(NetVLAD):
    """Aggregates local features into one VLAD descriptor, without those that ghosts absorb.

    It is `NetVLAD` with at least one ghost cluster. Ghost clusters compete for local features in
    the softmax, and what they win is dropped. See `NetVLAD` for formula, precision and
    initialization.

    Args:
        num_clusters: int. `K`, the number of clusters that describe.
        num_ghost_clusters: int. `G`, the number of clusters that only absorb; at least 1.
        **kwargs: Further arguments of `NetVLAD`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, K * D)`, float32, of unit L2 norm; entry `k * D + d`.

    Raises:
        ValueError: If `num_clusters < 1` or `num_ghost_clusters < 1`.

    Example:
    >>> layer = GhostVLAD(num_clusters=4, num_ghost_clusters=2)
    >>> keras.ops.shape(layer(keras.random.normal((2, 15, 20, 8))))
    (2, 32)

    Reference:
        [Zhong et al., 2018](https://arxiv.org/abs/1810.09951).
    """

    def __init__(self, num_clusters: int, num_ghost_clusters: int, **kwargs):
        super().__init__(num_clusters, num_ghost_clusters, **kwargs)
        if num_ghost_clusters < 1:
            raise ValueError(
                "`num_ghost_clusters` must be a positive integer. "
                f"Received: num_ghost_clusters={num_ghost_clusters}. "
                "Without ghosts, use `NetVLAD`"
            )


def make_vlad(num_clusters: int, num_ghost_clusters: int, **arguments) -> NetVLAD:
    """Makes `NetVLAD`, or `GhostVLAD` if there are ghost clusters.

    Args:
        num_clusters: int. `K`, the number of clusters that describe.
        num_ghost_clusters: int. `G`, the number of clusters that only absorb.
        **arguments: Further arguments of `NetVLAD`.
    """
    if num_ghost_clusters:
        return GhostVLAD(num_clusters, num_ghost_clusters, **arguments)
    return NetVLAD(num_clusters, **arguments)
