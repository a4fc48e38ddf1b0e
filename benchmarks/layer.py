"""Measures what it saves that NetVLAD is computed as two matrix products.

    python benchmarks/layer.py
    python benchmarks/layer.py --short
    KERAS_BACKEND=torch python benchmarks/layer.py --backends torch

docs/lab/performance.md has what it printed.

It compares three ways to compute the same descriptors from the same weights:
`placevec.layers.NetVLAD`; the formula written literally, with all residuals in one tensor (B, H*W,
K, D); and the loop over clusters of pytorch-NetVlad and its descendants. The loop holds the
residuals of one cluster at a time in the forward pass, and those of all clusters for the gradient.
Before the timing, all three must give equal descriptors and gradients on each backend.

Each way is measured in a separate process: the median time of some calls, its middle half, and by
how much the first call of the compiled function raises the peak of resident memory. Forward +
backward is the gradient with respect to the features and all weights.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # as the command line does; before Keras is imported, for TensorFlow's oneDNN

import ctypes
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tyro
from keras import ops
from machine import describe_machine, describe_peaks, peaks, roofline, status_mb

import placevec  # noqa: F401  before Keras, as the command line does, for TensorFlow's oneDNN
from placevec.layers import NetVLAD
from placevec.layers.l2_normalize import l2_normalize

_CHECKED = 1e-5  # largest allowed difference of descriptors and gradients, relative to the largest


class Broadcasting(NetVLAD):
    """NetVLAD with all residuals in one tensor."""

    def call(self, inputs):
        """Returns the descriptors (B, K * D)."""
        features, assignment = assign(self, inputs)
        residuals = ops.expand_dims(features, 2) - self.centers  # (B, N, K, D)
        summed = ops.sum(ops.expand_dims(assignment, -1) * residuals, axis=1)
        return normalize(self, summed)


class Loop(NetVLAD):
    """NetVLAD with the residuals of one cluster at a time."""

    def call(self, inputs):
        """Returns the descriptors (B, K * D)."""
        features, assignment = assign(self, inputs)
        summed = []
        for k in range(self.num_clusters):
            residuals = (features - self.centers[k]) * assignment[:, :, k : k + 1]  # (B, N, D)
            summed.append(ops.sum(residuals, axis=1))
        return normalize(self, ops.stack(summed, axis=1))


def assign(layer: NetVLAD, inputs):
    """Returns the features (B, N, D) of unit length and their soft assignment (B, N, K)."""
    features = l2_normalize(ops.reshape(inputs, (inputs.shape[0], -1, inputs.shape[-1])))
    return features, ops.softmax(ops.matmul(features, layer.kernel) + layer.bias, axis=-1)


def normalize(layer: NetVLAD, residuals):
    """Returns the descriptors (B, K * D) of summed residuals (B, K, D)."""
    return l2_normalize(ops.reshape(l2_normalize(residuals), (residuals.shape[0], -1)))


WAYS = {"placevec": NetVLAD, "loop": Loop, "broadcasting": Broadcasting}


@dataclass(frozen=True)
class Task:
    """What one process measures."""

    way: str
    shape: tuple[int, int, int, int]
    num_clusters: int
    calls: int


def main(
    backends: tuple[str, ...] = (),
    batch_size: int = 4,
    rows: int = 30,
    columns: int = 40,
    feature_dim: int = 512,
    num_clusters: int = 64,
    calls: int = 7,
    short: bool = False,
) -> None:
    """Times three ways to compute NetVLAD and prints a table.

    Args:
        backends: Backends of Keras. Empty: all that are installed.
        batch_size: Number of photos, B.
        rows: Rows of the grid of local features, H.
        columns: Columns of the grid of local features, W.
        feature_dim: Dimensions of a local feature, D.
        num_clusters: Number of clusters, K.
        calls: Number of calls that are timed.
        short: One photo and three calls on one backend, to see whether it runs.
    """
    if short:
        batch_size, rows, columns, calls = 1, 15, 20, 3
        backends = backends or (keras.backend.backend(),)
    shape = (batch_size, rows, columns, feature_dim)
    installed = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
    best = peaks()
    print(f"{describe_machine()}\n{describe_peaks(best)}")
    print(f"B, H, W, D = {shape}, K = {num_clusters}, float32")
    print("backend     pass      way            ms (middle half)     ratio  memory MB  ratio")
    lines = []
    for backend in backends or installed:
        os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        tasks = [Task(way, shape, num_clusters, calls) for way in WAYS]
        apart = _in_own_process(check_equal, num_clusters)
        measured = [_in_own_process(measure, task) for task in tasks]
        for backward, label in enumerate(("forward", "+backward")):
            first_s, first_mb = np.median(measured[0][backward][0]), measured[0][backward][1]
            for task, cells in zip(tasks, measured, strict=True):
                seconds, memory_mb = cells[backward]
                low, middle, high = 1e3 * np.percentile(seconds, [25, 50, 75])
                print(
                    f"{backend:11s} {label:9s} {task.way:12s} {middle:8.1f} "
                    f"({low:.1f} to {high:.1f})".ljust(57)
                    + f"{middle / 1e3 / first_s:6.1f} {memory_mb:10.0f} "
                    f"{memory_mb / max(first_mb, 1):6.1f}",
                    flush=True,
                )
            flops, num_bytes = _cost(tasks[0], bool(backward))
            line = roofline(flops, num_bytes, min(measured[0][backward][0]), best)
            lines.append(f"{backend}, {label}, placevec, fastest call: {line}")
        lines.append(f"{backend}: descriptors and gradients differ by {apart:.1e} at most")
    print(*lines, sep="\n", flush=True)


def check_equal(num_clusters: int) -> float:
    """Returns the largest relative difference between the ways' descriptors and gradients.

    Raises:
        ValueError: If the difference is too large to call them equal.
    """
    shape = (2, 6, 8, 32)
    results = []
    for way in WAYS:
        task = Task(way, shape, num_clusters, 1)
        passes = [_function(task, backward)(*_inputs(task)) for backward in (False, True)]
        results.append([*_results(passes[0]), *_results(passes[1])])
    differences = [
        np.abs(one - other).max() / np.abs(one).max()
        for other_results in results[1:]
        for one, other in zip(results[0], other_results, strict=True)
    ]
    if not max(differences) < _CHECKED:
        raise ValueError(f"The ways must agree to {_CHECKED}. Received: {max(differences)}")
    return float(max(differences))


def measure(task: Task) -> list[tuple[list[float], float]]:
    """Measures the forward pass, then forward and backward.

    Returns:
        For each, the seconds of each call, and the megabytes that the first call took.
    """
    return [_measure(task, backward) for backward in (False, True)]


def _measure(task: Task, backward: bool) -> tuple[list[float], float]:
    small = Task(task.way, (1, 2, 3, task.shape[-1]), task.num_clusters, 1)
    _results(_function(small, backward)(*_inputs(small)))  # loads libraries and starts threads
    inputs = _inputs(task)
    function = _compiled(_function(task, backward), inputs)
    before_mb = _reset_peak()
    _wait(function(*inputs))
    memory_mb = status_mb("VmHWM") - before_mb
    seconds = []
    for _ in range(task.calls):
        start = time.perf_counter()
        _wait(function(*inputs))
        seconds.append(time.perf_counter() - start)
    return seconds, memory_mb


def _function(task: Task, backward: bool) -> Callable:
    """Returns the function to time: it takes features and the weights kernel, bias and centers."""
    backend = keras.backend.backend()
    layer = WAYS[task.way](task.num_clusters)
    layer.build((None, *task.shape[1:]))

    def forward(features, *weights):
        return layer.stateless_call(weights, [], features)[0]

    def loss(features, upward, *weights):
        return ops.sum(forward(features, *weights) * upward)

    if backend == "tensorflow":
        import tensorflow as tf

        def gradients(features, upward, *weights):
            with tf.GradientTape() as tape:
                tape.watch([features, *weights])
                value = loss(features, upward, *weights)
            return tape.gradient(value, [features, *weights])

        return tf.function(gradients if backward else lambda x, unused, *w: forward(x, *w))
    if backend == "jax":
        import jax

        numbers = (0, 2, 3, 4)
        return jax.jit(
            jax.grad(loss, numbers) if backward else lambda x, unused, *w: forward(x, *w)
        )
    import torch

    def torch_gradients(features, upward, *weights):
        leaves = [each.detach().requires_grad_() for each in (features, *weights)]
        return torch.autograd.grad(loss(leaves[0], upward, *leaves[1:]), leaves)

    def torch_forward(features, unused, *weights):
        with torch.no_grad():
            return forward(features, *weights)

    return torch_gradients if backward else torch_forward


def _inputs(task: Task) -> list:
    """Returns features, a gradient of the descriptors, kernel, bias and centers."""
    rng = np.random.default_rng(0)
    feature_dim, num_clusters = task.shape[-1], task.num_clusters
    shapes = (task.shape, (task.shape[0], num_clusters * feature_dim), (feature_dim, num_clusters),
              (num_clusters,), (num_clusters, feature_dim))  # fmt: skip
    values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    values[-1] /= np.linalg.norm(values[-1], axis=1, keepdims=True)
    return [ops.convert_to_tensor(each) for each in values]


def _compiled(function: Callable, inputs: list) -> Callable:
    """Returns the function compiled, so that the first call's memory does not include compiling."""
    if keras.backend.backend() == "tensorflow":
        return function.get_concrete_function(*inputs)
    if keras.backend.backend() == "jax":
        return function.lower(*inputs).compile()
    return function


def _results(output) -> list[np.ndarray]:
    tensors = output if isinstance(output, list | tuple) else [output]
    return [ops.convert_to_numpy(each) for each in tensors]


def _wait(output) -> None:
    """Waits for the results, because JAX returns before they are ready."""
    if keras.backend.backend() == "jax":
        for each in output if isinstance(output, tuple) else [output]:
            each.block_until_ready()


def _cost(task: Task, backward: bool) -> tuple[float, float]:
    """Returns FLOPs of the matrix products, and bytes of inputs and outputs."""
    locations = int(np.prod(task.shape[:3]))
    feature_dim, num_clusters = task.shape[-1], task.num_clusters
    flops = 4 * locations * feature_dim * num_clusters
    num_bytes = 4 * locations * feature_dim + 4 * task.shape[0] * num_clusters * feature_dim
    # In the backward pass each product becomes two; features are read, their gradient is written.
    return (3 * flops, 3 * num_bytes) if backward else (flops, num_bytes)


def _reset_peak() -> float:
    """Resets the peak of resident memory to the current value, and returns it in MB."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status_mb("VmRSS")


def _in_own_process(function: Callable, *arguments):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


if __name__ == "__main__":
    tyro.cli(main)
