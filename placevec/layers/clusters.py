"""Initializes a NetVLAD layer with k-means clusters of local features and their assignment."""

import faiss
import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.layers.netvlad import NetVLAD

# Wanted ratio of a feature's largest assignment to its second largest, on average.
ASSIGNMENT_RATIO = 100.0


def initialize_clusters(
    layer: NetVLAD,
    local_features: NDArray[np.floating],
    *,
    seed: int,
    variant: str = "v1",
    ratio: float = ASSIGNMENT_RATIO,
    num_iterations: int = 100,
    centers: NDArray[np.floating] | None = None,
) -> float:
    """Initializes a NetVLAD or GhostVLAD layer with clusters of local features.

    If the layer scales its inputs to unit length, so does this function first: clusters are made
    from what the layer sees. Ghost clusters are k-means clusters like the others, namely the last
    ones in the arbitrary order of k-means. What they absorb is learned in training.

    Args:
        layer: NetVLAD. Its weights are overwritten. It may be unbuilt.
        local_features: (N, D) float. Local features from many photos, as the backbone returns them.
        seed: int. Seed of k-means.
        variant: str. `"v1"` or `"v2"`, see `assignment_weights`. Defaults to `"v1"`.
        ratio: float. Above 1, see `assignment_weights`. Defaults to `100.0`.
        num_iterations: int. Iterations of k-means. Defaults to `100`.
        centers: (K, D) float or None. Centers to use instead of running k-means; the features
            then only set the sharpness of the assignment. Defaults to `None`.

    Returns:
        The sharpness `alpha` of the assignment, a positive float.

    Raises:
        ValueError: As `kmeans`, `assignment_weights` and `NetVLAD.set_clusters`.

    Example:
    >>> features = np.random.default_rng(0).normal(size=(500, 8))
    >>> layer = NetVLAD(num_clusters=4, use_bias=False)
    >>> alpha = initialize_clusters(layer, features, seed=0)
    >>> tuple(layer.centers.shape), bool(alpha > 0)
    ((4, 8), True)
    """
    features = _checked(local_features)
    if layer.normalize_inputs:
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        features = features / np.maximum(norms, 1e-6)
    num_clusters = layer.num_clusters + layer.num_ghost_clusters
    if centers is None:
        centers = kmeans(features, num_clusters, seed=seed, num_iterations=num_iterations)
    kernel, bias, alpha = assignment_weights(features, centers, variant, ratio)
    layer.set_clusters(centers, kernel, bias)
    return alpha


def kmeans(
    local_features: NDArray[np.floating], num_clusters: int, *, seed: int, num_iterations: int = 100
) -> NDArray[np.float32]:
    """Finds cluster centers of local features with k-means on all of them, in float32.

    Args:
        local_features: (N, D) float. Scaled to unit length if the layer does so.
        num_clusters: int. `K`, the number of centers.
        seed: int. Seed of the first centers.
        num_iterations: int. Number of iterations. Defaults to `100`, as in the paper's code.

    Returns:
        (K, D) float32. Centers in arbitrary order, not of unit length.

    Raises:
        ValueError: If the features are not finite and of shape (N, D), or if there are fewer
            different features than clusters.
    """
    features = _checked(local_features)
    # Equal features, such as those of black photos, would be split into meaningless clusters.
    num_different = len({feature.tobytes() for feature in features})
    if num_clusters < 1 or num_different < num_clusters:
        raise ValueError(
            "k-means needs at least one cluster, and a different local feature for each. "
            f"Received: num_clusters={num_clusters}, {counted(len(features), 'local feature')}, "
            f"{num_different} of them different. Take more photos or fewer clusters"
        )
    clustering = faiss.Kmeans(
        features.shape[1],
        num_clusters,
        niter=num_iterations,
        seed=seed,
        # FAISS's defaults would silently drop features, or warn that there are few.
        min_points_per_centroid=1,
        max_points_per_centroid=len(features),
    )
    clustering.train(features)
    return np.array(clustering.centroids).reshape(num_clusters, -1)


def assignment_weights(
    local_features: NDArray[np.floating],
    centers: NDArray[np.floating],
    variant: str = "v1",
    ratio: float = ASSIGNMENT_RATIO,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, float]:
    """Computes soft assignment weights, by default as sharp as those of the paper.

        v1: logits = alpha * (c / |c|) . x               no bias; the paper's published numbers
        v2: logits = alpha * (2 c . x - |c|^2)           the paper's formula, softmax(-alpha d^2)

    Both use the `alpha` for which the largest assignment of a feature is, on (geometric) average,
    `ratio` times its second largest: `alpha = ln(ratio) / mean(gap)`. The gap is the difference of
    the two largest logits for `alpha = 1`; in v2 that is the difference of the squared distances to
    the two nearest centers. A single cluster has no second, so `alpha` is 1.

    Args:
        local_features: (N, D) float. Features as the layer sees them: of unit length if it scales
            its inputs, which v1 assumes.
        centers: (K, D) float. Centers, as `kmeans` returns them.
        variant: str. `"v1"` or `"v2"`. Defaults to `"v1"`.
        ratio: float. Above 1; a smaller ratio is softer. Defaults to `100.0`, as in the paper.

    Returns:
        kernel: (D, K) float32. `alpha * c / |c|` or `2 * alpha * c`, one column per center.
        bias: (K,) float32, `-alpha * |c|^2`; None in v1.
        alpha: float. Positive.

    Raises:
        ValueError: If the variant is unknown, the ratio is not above 1, features and centers
            differ in D, or no feature is nearer to one center than to the next.

    Example:
    >>> features = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> kernel, bias, alpha = assignment_weights(features, features)
    >>> print(np.round(kernel, 3), bias)  # exp(4.605) = 100
    [[4.605 0.   ]
     [0.    4.605]] None

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247), section 3.1, and the
        authors' code.
    """
    features, centers = _checked(local_features), _checked(centers)
    if features.shape[1] != centers.shape[1]:
        raise ValueError(
            "Local features and centers must have the same D. "
            f"Received: shapes {features.shape} and {centers.shape}"
        )
    if variant == "v1":
        norms = np.linalg.norm(centers, axis=1, keepdims=True)
        kernel, bias = (centers / np.maximum(norms, 1e-12)).T, None
    elif variant == "v2":
        kernel, bias = 2 * centers.T, -np.sum(np.square(centers), axis=1)
    else:
        raise ValueError(f"`variant` must be 'v1' or 'v2'. Received: variant={variant!r}")
    if not ratio > 1:
        raise ValueError(f"`ratio` must be above 1. Received: ratio={ratio}")
    alpha = _alpha(features @ kernel if bias is None else features @ kernel + bias, ratio)
    kernel = (alpha * kernel).astype(np.float32)
    return kernel, None if bias is None else (alpha * bias).astype(np.float32), alpha


def _alpha(logits: NDArray[np.floating], ratio: float) -> float:
    """Returns the factor on logits (N, K) that gives the wanted mean ratio of assignments."""
    if logits.shape[1] == 1:
        return 1.0
    second, first = np.partition(logits, -2, axis=1)[:, -2:].T
    gap = np.mean(first - second, dtype=np.float64)
    if gap <= np.finfo(np.float32).eps * np.abs(logits).max():
        raise ValueError(
            "Local features must be nearer to one center than to the next. Received: centers "
            "that coincide, or features that do not differ. Take other photos or fewer clusters"
        )
    return float(np.log(ratio) / gap)


def _checked(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise ValueError(
            "Local features and centers must be finite, of shape (N, D) with N > 0. "
            f"Received: shape {vectors.shape}"
        )
    return vectors
