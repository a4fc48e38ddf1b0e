"""A variant of SALAD: local features assigned to clusters by optimal transport."""

import keras
from keras import ops

from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize


@keras.saving.register_keras_serializable(package="placevec")
class SALADLike(Aggregator):
    """Aggregates local features by optimal transport to clusters and to a dustbin.

    For each of the `N` local features `x`, two small networks (one hidden layer with ReLU) compute
    a score for each of `K` clusters and a projection `f` of length `d`. A transport plan `P`
    distributes the features to the clusters and to a dustbin, which scores 0 for every feature:

        P = sinkhorn(scores); each feature gives 1, a cluster takes 1, the dustbin N - K
        v_k = sum over locations of P_k(x) * f(x)

    What goes to the dustbin is not described. A third small network computes a global part `g` of
    the photo. `g` and each `v_k` are scaled to unit length, then the whole vector is.

    It differs from SALAD: SALAD computes the global part from the class token of a DINOv2
    transformer; this layer computes it from the mean local feature, so that it works with any
    backbone. Dropout is left out. So are the learned score of the dustbin and the bias of the
    scores: a number added to all scores of a cluster, or of the dustbin, cancels when they are
    scaled to the amount that it takes. The paper has no plan for photos with fewer features than
    clusters and dustbin, `N < K + 1`; here each of the `K + 1` then takes `N / (K + 1)`.

    Sinkhorn's rounds are computed with logarithms. Everything is computed and returned in float32,
    even under a mixed or half precision policy.

    Args:
        num_clusters: int. `K`, the number of clusters. Defaults to `64`.
        projected_dim: int. `d`, length of a projected local feature. Defaults to `128`.
        global_dim: int. `G`, length of the global part. Defaults to `256`.
        hidden_dim: int. Length of the hidden layers. Defaults to `512`.
        num_rounds: int. Number of rounds of Sinkhorn's algorithm. Defaults to `3`.

    Input shape:
        `(batch, height, width, D)`, float. One local feature per cell; any height and width.

    Output shape:
        `(batch, G + K * d)`, float32, of unit L2 norm: the global part, then entry
        `G + k * d + channel`.

    Raises:
        ValueError: If one of the arguments is not a positive integer, or the input does not have
            four axes with a known last one.

    Example:
    >>> layer = SALADLike(num_clusters=4, projected_dim=8, global_dim=16)
    >>> ops.shape(layer(keras.random.normal((2, 15, 20, 8))))
    (2, 48)

    Reference:
        [Izquierdo and Civera, 2024](https://arxiv.org/abs/2311.15937).
    """

    def __init__(
        self,
        num_clusters: int = 64,
        projected_dim: int = 128,
        global_dim: int = 256,
        hidden_dim: int = 512,
        num_rounds: int = 3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_clusters = self.check_count("num_clusters", num_clusters)
        self.projected_dim = self.check_count("projected_dim", projected_dim)
        self.global_dim = self.check_count("global_dim", global_dim)
        self.hidden_dim = self.check_count("hidden_dim", hidden_dim)
        self.num_rounds = self.check_count("num_rounds", num_rounds)

    def build(self, input_shape):
        """Makes the weights of the three networks: hidden and last kernel and bias of each."""
        super().build(input_shape)
        self.networks = {}
        for name, output_dim in (
            ("score", self.num_clusters),
            ("feature", self.projected_dim),
            ("global", self.global_dim),
        ):
            self.networks[name] = [
                self.add_exact_weight(f"{name}_{weight}", shape, initializer)
                for weight, shape, initializer in (
                    ("hidden_kernel", (input_shape[-1], self.hidden_dim), "glorot_uniform"),
                    ("hidden_bias", (self.hidden_dim,), "zeros"),
                    ("kernel", (self.hidden_dim, output_dim), "glorot_uniform"),
                    ("bias", (output_dim,), "zeros"),
                )
                if (name, weight) != ("score", "bias")
            ]

    def call(self, inputs):
        """Returns the descriptors (B, G + K * d) of local features (B, H, W, D)."""
        height, width, feature_dim = ops.shape(inputs)[1:]
        features = ops.cast(inputs, self.precision)
        features = ops.reshape(features, (-1, height * width, feature_dim))  # (B, N, D)
        plan = self._transport(self._apply("score", features))  # (B, N, K)
        projected = self._apply("feature", features)  # (B, N, d)
        clusters = l2_normalize(ops.matmul(ops.transpose(plan, (0, 2, 1)), projected))
        clusters = ops.reshape(clusters, (-1, self.num_clusters * self.projected_dim))
        whole = l2_normalize(self._apply("global", ops.mean(features, axis=1)))
        return l2_normalize(ops.concatenate([whole, clusters], axis=-1))

    def _apply(self, name: str, features):
        hidden_kernel, hidden_bias, kernel, *bias = self.networks[name]
        hidden = ops.relu(ops.matmul(features, hidden_kernel) + hidden_bias)
        return sum(bias, ops.matmul(hidden, kernel))

    def _transport(self, scores):
        """Returns from scores (B, N, K) how much of each feature goes to each cluster."""
        num_features = ops.shape(scores)[1]
        dustbin = ops.zeros_like(scores[..., :1])
        scores = ops.concatenate([scores, dustbin], axis=-1)  # (B, N, K + 1)
        count = ops.cast(num_features, self.precision)
        share = ops.minimum(count / (self.num_clusters + 1), 1.0)
        is_dustbin = ops.arange(self.num_clusters + 1) == self.num_clusters
        takes = ops.where(is_dustbin, count - share * self.num_clusters, share)
        log_takes = ops.log(takes)  # (K + 1,)
        for_clusters = ops.zeros_like(scores[:, :1])
        for_features = ops.zeros_like(scores[..., :1])
        for _ in range(self.num_rounds):
            for_clusters = log_takes - _logsumexp(scores + for_features, axis=1)
            for_features = -_logsumexp(scores + for_clusters, axis=2)
        return ops.exp(scores + for_clusters + for_features)[..., : self.num_clusters]

    def count_flops(self, rows, columns, feature_dim):
        """Returns the operations of the three networks and of the sums over clusters."""
        num_features, hidden = rows * columns, self.hidden_dim
        networks = num_features * hidden * (
            2 * feature_dim + self.num_clusters + self.projected_dim
        ) + hidden * (feature_dim + self.global_dim)
        return 2 * (networks + num_features * self.num_clusters * self.projected_dim)

    def compute_output_shape(self, input_shape):
        """Returns `(batch, G + K * d)`."""
        return (input_shape[0], self.global_dim + self.num_clusters * self.projected_dim)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "projected_dim": self.projected_dim,
            "global_dim": self.global_dim,
            "hidden_dim": self.hidden_dim,
            "num_rounds": self.num_rounds,
        }


def _logsumexp(x, axis: int):
    return ops.logsumexp(x, axis=axis, keepdims=True)
