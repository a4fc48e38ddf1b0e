"""NetVLAD: a trainable vector of locally aggregated descriptors."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize


@keras.saving.register_keras_serializable(package="placevec")
class NetVLAD(Aggregator):
    """Aggregates local features into one VLAD descriptor.

    Each local feature `x` is softly assigned to the clusters. Each cluster sums the differences
    between its features and its center (the residuals):

        a_k(x) = softmax_k(x . kernel_k + bias_k)
        v_k    = sum over locations of a_k(x) * (x - centers_k)

    Each `v_k` is scaled to unit length (intra-normalization), then the whole vector is. The sums
    are computed as `a^T x - (sum a) * centers`, which is two matrix products. So memory grows with
    `H * W * (D + K)` instead of `H * W * D * K`.

    Ghost clusters only take part in the softmax. What is assigned to them is not described, so
    the network can learn to leave out sky, road and passers-by.

    Everything is computed and returned in float32, even under a mixed or half precision policy.
    Sums in float16 over all locations of a photo would break the descriptor, and rounding to
    bfloat16 would change its unit length. (Under a float64 policy: float64.)

    Random weights are a poor start. `initialize_clusters` initializes the layer with k-means
    clusters of local features and the sharpness of the paper's assignment.

    Args:
        num_clusters: int. `K`, the number of clusters that describe.
        num_ghost_clusters: int. `G`, the number of clusters that only absorb. Defaults to `0`.
        use_bias: bool. Whether the assignment has a bias. The paper's formula has one, its
            published networks do not. Defaults to `True`.
        normalize_inputs: bool. Whether to scale each local feature to unit length first, as the
            paper does. Defaults to `True`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, K * D)`, float32, of unit L2 norm; entry `k * D + d`. (If all residuals of a photo
        are zero, its vector is zero.)

    Raises:
        ValueError: If `num_clusters < 1`, `num_ghost_clusters < 0`, or the input does not have
            four axes with a known last one.

    Example:
    >>> ops.shape(NetVLAD(num_clusters=4)(keras.random.normal((2, 15, 20, 8))))
    (2, 32)

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247).
    """

    def __init__(
        self,
        num_clusters: int,
        num_ghost_clusters: int = 0,
        use_bias: bool = True,
        normalize_inputs: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(num_clusters, int) or num_clusters < 1:
            raise ValueError(
                f"`num_clusters` must be a positive integer. Received: num_clusters={num_clusters}"
            )
        if not isinstance(num_ghost_clusters, int) or num_ghost_clusters < 0:
            raise ValueError(
                "`num_ghost_clusters` must be a non-negative integer. "
                f"Received: num_ghost_clusters={num_ghost_clusters}"
            )
        self.num_clusters = num_clusters
        self.num_ghost_clusters = num_ghost_clusters
        self.use_bias = use_bias
        self.normalize_inputs = normalize_inputs

    def build(self, input_shape):
        """Makes the weights `kernel` (D, K+G), `bias` (K+G,) and `centers` (K, D)."""
        super().build(input_shape)
        feature_dim = input_shape[-1]
        num_columns = self.num_clusters + self.num_ghost_clusters
        self.kernel = self.add_weight(
            name="kernel",
            shape=(feature_dim, num_columns),
            initializer="glorot_uniform",
            autocast=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(num_columns,), initializer="zeros", autocast=False
            )
        self.centers = self.add_weight(
            name="centers",
            shape=(self.num_clusters, feature_dim),
            initializer="glorot_uniform",
            autocast=False,
        )

    def call(self, inputs):
        """Returns the descriptors (B, K * D) of local features (B, H, W, D)."""
        features = self._flat(inputs)
        assignment = self._assign(features)
        feature_sums = ops.matmul(ops.transpose(assignment, (0, 2, 1)), features)
        assigned = ops.expand_dims(ops.sum(assignment, axis=1), -1)  # (B, K, 1)
        residuals = feature_sums - assigned * ops.cast(self.centers, self.precision)  # (B, K, D)
        residuals = l2_normalize(residuals)
        return l2_normalize(ops.reshape(residuals, (-1, self.num_clusters * inputs.shape[-1])))

    def assign(self, inputs):
        """Returns how much of each local feature belongs to each cluster.

        Args:
            inputs: (B, H, W, D) float. Local features, as `call` takes them.

        Returns:
            (B, H, W, K) in [0, 1]. For each cell, the clusters sum to 1 minus the share of the
            ghost clusters.
        """
        height, width = ops.shape(inputs)[1:3]
        assignment = self._assign(self._flat(inputs))
        return ops.reshape(assignment, (-1, height, width, self.num_clusters))

    def _flat(self, inputs):
        """Returns the local features (B, H*W, D) in the form that is compared with clusters."""
        height, width, feature_dim = ops.shape(inputs)[1:]
        features = ops.reshape(inputs, (-1, height * width, feature_dim))
        features = ops.cast(features, self.precision)
        return l2_normalize(features) if self.normalize_inputs else features

    def _assign(self, features):
        """Returns the soft assignment (B, H*W, K) of local features (B, H*W, D)."""
        logits = ops.matmul(features, ops.cast(self.kernel, self.precision))
        if self.use_bias:
            logits = logits + ops.cast(self.bias, self.precision)
        return ops.softmax(logits, axis=-1)[..., : self.num_clusters]

    def set_clusters(
        self,
        centers: NDArray[np.floating],
        kernel: NDArray[np.floating],
        bias: NDArray[np.floating] | None = None,
    ) -> None:
        """Writes clusters into the weights. Builds the layer if necessary.

        Args:
            centers: (K+G, D) float. Center of every cluster. Ghost clusters come last; their
                centers are not kept, because no residual is computed from them.
            kernel: (D, K+G) float. Assignment weights, as `assignment_weights` returns them.
            bias: (K+G,) float or None. Assignment biases. None: zero.

        Raises:
            ValueError: If the shapes are not those of the layer, or a bias is given to a layer
                without one.
        """
        num_columns = self.num_clusters + self.num_ghost_clusters
        if centers.ndim != 2 or len(centers) != num_columns:
            raise ValueError(
                "`centers` must have a row for each of the "
                f"{counted(self.num_clusters, 'cluster')} and "
                f"{counted(self.num_ghost_clusters, 'ghost cluster')}. Received: shape "
                f"{centers.shape}"
            )
        if not self.built:
            self.build((None, None, None, centers.shape[1]))
            self.built = True
        if bias is not None and not self.use_bias:
            raise ValueError(
                "This layer has no bias. Received: a bias to write into it. Make the layer with "
                "`use_bias=True`, or use assignment weights of variant 'v1'"
            )
        for name, received, weight in (
            ("centers", centers[: self.num_clusters], self.centers),
            ("kernel", kernel, self.kernel),
            ("bias", bias, self.bias),
        ):
            if received is None or weight is None:
                continue
            if received.shape != tuple(weight.shape):
                raise ValueError(
                    f"`{name}` must have shape {tuple(weight.shape)}. "
                    f"Received: shape {received.shape}"
                )
        self.centers.assign(centers[: self.num_clusters])
        self.kernel.assign(kernel)
        if self.bias is not None:
            self.bias.assign(np.zeros(num_columns) if bias is None else bias)

    def count_flops(self, rows, columns, feature_dim):
        """Returns the operations of the assignment and of the sums over features."""
        return 2 * rows * columns * feature_dim * (self.kernel.shape[-1] + self.num_clusters)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, K * D)`."""
        return (input_shape[0], self.num_clusters * input_shape[-1])

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "num_ghost_clusters": self.num_ghost_clusters,
            "use_bias": self.use_bias,
            "normalize_inputs": self.normalize_inputs,
        }
