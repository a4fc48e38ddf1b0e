"""Measures time and memory of PCA whitening of NetVLAD's 32,768 dimensions.

    python benchmarks/whitening.py
    python benchmarks/whitening.py --num-vectors 10000

It prints one table. The covariance would be a matrix of 32,768 x 32,768 float64, 8 GiB, and its
eigenvectors would be needed; `fit_whitening` uses the products of pairs of vectors instead.
"""

import resource
import sys
import time

import numpy as np
import tyro
from machine import describe_machine

from placevec.layers import fit_whitening

_BLOCK = 512


def main(
    num_vectors: int = 5000, from_dim: int = 32_768, to_dim: int = 4096, short: bool = False
) -> None:
    """Fits PCA whitening on synthetic vectors and prints seconds and the peak of memory.

    Args:
        num_vectors: Number of vectors to fit on.
        from_dim: Dimensions of a vector.
        to_dim: Dimensions after whitening.
        short: Few and short vectors, to see whether it runs.
    """
    if short:
        num_vectors, from_dim, to_dim = 1000, 4096, 512
    print(describe_machine())
    vectors = _made_vectors(num_vectors, from_dim)
    start = time.perf_counter()
    _, projection = fit_whitening(vectors, to_dim)
    seconds, peak_gib = time.perf_counter() - start, _peak_gib()
    error = _error(vectors, projection)
    print("vectors    from     to  seconds  peak GiB  largest error of the covariance")
    print(f"{num_vectors:7d} {from_dim:7d} {to_dim:6d} {seconds:8.0f} {peak_gib:9.1f}  {error:.1e}")


def _made_vectors(num_vectors: int, dim: int) -> np.ndarray:
    """Returns vectors (N, D) float32 of unit length whose dimensions spread unequally."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((num_vectors, dim), dtype=np.float32)
    vectors *= np.linspace(1, 0.1, dim, dtype=np.float32)
    vectors += np.float32(0.3)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _error(vectors: np.ndarray, projection: np.ndarray) -> float:
    """Returns how far the covariance of the first and last whitened dimensions is from identity."""
    errors = []
    for ends in (projection[:, :_BLOCK], projection[:, -_BLOCK:]):
        covariance = np.cov(vectors @ ends, rowvar=False)
        errors.append(np.abs(covariance - np.eye(ends.shape[1])).max())
    return float(max(errors))


def _peak_gib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    tyro.cli(main)
