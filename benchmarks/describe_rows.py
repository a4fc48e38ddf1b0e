"""The rows of `benchmarks/describe.py`, each in its own process."""

import functools
import itertools
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
from machine import status_mb

SETTINGS = {
    "mobilenetv2": {"cut_layer": "block_9_add", "num_clusters": 16},
    "vgg16": {"cut_layer": "block5_conv3", "num_clusters": 64},
}


_LATENCY_S = 5.0  # seconds of timing single photos in a round


@dataclass(frozen=True)
class Row:
    """One way to describe photos.

    Args:
        label: str. Name of the row in the table.
        kind: str. `"predict"`, `"predict plain"` for TensorFlow without oneDNN, a key of `ENGINES`,
            or `"torch ..."`.
        precision: str. `"float32"`, `"bf16"` or `"int8"`.
    """

    label: str
    kind: str
    precision: str


def cpu_name() -> str:
    """Returns the processor's name and its features that speed up matrix products."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    flags = facts.get("flags", "").split()
    able = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{facts.get('model name', 'CPU')} ({', '.join(able)})"


def make_model(folder: Path, network: str, weights: Path | None) -> Path:
    """Saves a network whose clusters fit photos of noise, and returns its path.

    For rows that run without Keras, the weights and the photos are in an `.npz` file beside it.
    """
    path = folder / f"{network}_{'random' if weights is None else weights.stem}.keras"
    if path.with_suffix(".npz").exists():
        return path
    import keras

    from placevec.config import ModelConfig
    from placevec.layers.clusters import initialize_clusters
    from placevec.models import build_descriptor_model, save_model

    keras.utils.set_random_seed(0)
    settings = SETTINGS[network] | {"weights": "none" if weights is None else str(weights)}
    model = build_descriptor_model(ModelConfig(backbone=network, **settings))
    features = keras.Model(model.input, model.get_layer("aggregator").input)
    # The clusters come from other photos. A feature that is itself a cluster center would leave
    # only rounding errors as residual, which normalization would enlarge.
    photos = _noise_photos(0)
    local = features.predict_on_batch(_noise_photos(1))
    local = np.reshape(local, (-1, local.shape[-1]))
    # The assignment is soft, so that all clusters of all photos take part.
    initialize_clusters(model.get_layer("aggregator"), local, seed=0, num_iterations=10, ratio=2.0)
    save_model(model, path)
    arrays = {
        f"{layer.name}/{each.name}": np.array(each)
        for layer in model.layers
        for each in layer.weights
    }
    scaling = model.get_layer("pixel_scaling")
    arrays["pixel_scaling/scale"] = np.float32(scaling.scale)
    arrays["pixel_scaling/offset"] = np.float32(scaling.offset)
    arrays["pixel_scaling/bgr"] = np.array(scaling.channel_order == "bgr")
    np.savez(path.with_suffix(".npz"), photos=photos, **arrays)
    return path


def _noise_photos(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (8, 30, 40, 3), np.uint8)
    return np.stack(
        [cv2.resize(photo, (320, 240), interpolation=cv2.INTER_CUBIC) for photo in small]
    )


def row_process(
    pipe: Connection, row: Row, network: str, model_path: Path, size: tuple[int, int]
) -> None:
    """Answers questions until it is told to stop."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if row.kind == "predict plain":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    timing = None
    while True:
        what, arguments = pipe.recv()
        if what == "end":
            return
        try:
            if what == "start":
                timing = _Timing(row, network, model_path, size)
                pipe.send(None)
            else:
                pipe.send(getattr(timing, what)(*arguments))
        except (ImportError, ValueError, RuntimeError, OSError) as error:
            pipe.send(str(error).splitlines()[0] if what == "start" else error)


class _Timing:
    """Times one row: photos per second from files and from memory, and single photos."""

    def __init__(self, row: Row, network: str, model_path: Path, size: tuple[int, int]):
        self.row = row
        with np.load(model_path.with_suffix(".npz")) as file:
            self.photos = np.concatenate([file["photos"]] * 4)
        if row.kind.startswith("torch"):
            self._start_torch(network, model_path, size)
        else:
            self._start_placevec(model_path)

    def _start_placevec(self, model_path: Path) -> None:
        from placevec.models import load_model, open_engine
        from placevec.retrieval import describe

        if self.row.kind.startswith("predict"):
            model = load_model(model_path)
            self.batch_size, self.calls = 8, 1
            self.function = self.alone = model.predict_on_batch
        else:
            open_it = functools.partial(
                open_engine,
                model_path,
                engine=self.row.kind,
                precision=self.row.precision,
                calibration=sorted(model_path.parent.glob("*photos/*.jpg")),
            )
            model, self.alone = open_it(), open_it(parallel_calls=1)
            self.function = model
            self.batch_size, self.calls = model.batch_size, model.parallel_calls
        self.model = model
        self.run = lambda paths: describe(model, paths, image_size=self.photos.shape[1:3])[0]

    def _start_torch(self, network: str, model_path: Path, size: tuple[int, int]) -> None:
        if self.row.precision == "bf16" and not _has_bf16():
            raise RuntimeError("this processor has no bf16, and computes it a hundred times slower")
        from torch_peer import TorchPeer, layer_weights

        way = self.row.kind.removeprefix("torch ")
        peer = TorchPeer(network, layer_weights(model_path), size, way, batch_size=8)
        self.batch_size, self.calls = 8, 1
        self.function = self.alone = peer
        self.run = peer.describe

    def check(self) -> np.ndarray:
        """Returns descriptors of synthetic photos."""
        size = self.batch_size
        parts = [self.function(self.photos[i : i + size]) for i in range(0, 8, size)]
        return np.concatenate(parts)[:8]

    def describe(self, paths: Sequence[Path]) -> float:
        """Returns photos per second, from files."""
        return _rate(lambda: self.run(paths), len(paths))

    def cost(self, image_size: tuple[int, int]) -> tuple[float, float]:
        """Returns the floating point operations of a photo, and the bytes that layers write."""
        from placevec.models import measure_model

        cost = measure_model(self.model, image_size=image_size, batch_size=1)
        return cost.flops, cost.memory_bytes - 4 * cost.parameters

    def compute(self, paths: Sequence[Path]) -> float:
        """Returns photos per second from memory, with the parallel calls that suit the engine."""
        size, count = self.batch_size, min(len(paths), len(self.photos))
        batches = [self.photos[i : i + size] for i in range(0, count - size + 1, size)]
        with ThreadPoolExecutor(self.calls) as pool:
            return _rate(lambda: list(pool.map(self.function, batches)), size * len(batches))

    def latency(self, _: Sequence[Path]) -> np.ndarray:
        """Returns the seconds per single photo, from pixels to descriptor, after a warm-up."""
        seconds = []
        end = time.perf_counter() + _LATENCY_S
        for photo in itertools.islice(itertools.cycle(self.photos), 33):
            if time.perf_counter() > end and len(seconds) > 5:
                break
            seconds.append(1 / _rate(lambda photo=photo: self.alone(photo[None]), 1))
        return np.array(seconds[3:])

    def peaks(self, _: Sequence[Path]) -> dict[str, float] | None:
        """Returns the machine's matrix peaks, if this row has PyTorch."""
        if self.row.kind != "torch usual":
            return None
        from torch_peer import matrix_peak

        found = {"float32": matrix_peak("float32")}
        return found | ({"bf16": matrix_peak("bfloat16")} if _has_bf16() else {})

    def stream(self, paths: Sequence[Path], count: int) -> None:
        """Describes photos repeatedly without keeping the result."""
        from placevec.retrieval import describe_in_batches

        many = list(itertools.islice(itertools.cycle(paths), count))
        for _ in describe_in_batches(self.model, many, image_size=self.photos.shape[1:3]):
            pass

    def rss(self) -> float:
        """Returns the largest memory of this process, in MB."""
        return status_mb("VmHWM")


def _has_bf16() -> bool:
    return "bf16" in cpu_name()


def _rate(work: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)
