"""Measures how fast each engine describes photos, compared with a plain PyTorch program.

    python benchmarks/describe.py --weights WEIGHTS.npz --vgg-weights VGG.npz
    python benchmarks/describe.py --short
    python benchmarks/describe.py --counts 1000 10000 100000

docs/lab/performance.md has what it printed. It needs the extras `fast`, `onnx`, `litert` and
`torch`; a row whose library is missing is left out.

Photos are JPEGs of 640x480, described at 240x320; decoding is included. Each row runs in a separate
process. Rows take turns in several rounds, and ratios are computed within a round. All rows have
the same weights. Before the timing, each row must agree with Keras's descriptors within 1e-5 in
float32, PyTorch within 1e-4. "no oneDNN" is TensorFlow's default on a CPU without AVX-512. "of the
peak" compares with products of two matrices by PyTorch in the same rounds. Rooflines use the peaks
that `machine.py` measures first.
"""

import multiprocessing
import statistics
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tyro
from describe_rows import Row, cpu_name, make_model, row_process
from machine import describe_machine, describe_peaks, peaks, roofline

SIZE = (240, 320)
NETWORKS = {
    "mobilenetv2": "MobileNetV2 block_9_add + NetVLAD 16",
    "vgg16": "VGG16 block5_conv3 + NetVLAD 64",
}
ROWS = (
    Row("Keras-TensorFlow", "predict", "float32"),
    Row("Keras-TensorFlow, no oneDNN", "predict plain", "float32"),
    Row("engine keras", "keras", "float32"),
    Row("engine litert", "litert", "float32"),
    Row("engine onnx", "onnx", "float32"),
    Row("engine openvino", "openvino", "float32"),
    Row("engine openvino", "openvino", "bf16"),
    Row("engine openvino", "openvino", "int8"),
    Row("PyTorch, usual", "torch usual", "float32"),
    Row("PyTorch, tuned", "torch tuned", "float32"),
    Row("PyTorch, tuned", "torch tuned bf16", "bf16"),
)


def main(
    folder: Path = Path("data/describe_benchmark"),
    photos: Path | None = None,
    weights: Path | None = None,
    vgg_weights: Path | None = None,
    networks: tuple[str, ...] = ("mobilenetv2", "vgg16"),
    num_photos: tuple[int, ...] = (256, 24),
    rounds: int = 5,
    kinds: tuple[str, ...] = (),
    short: bool = False,
    counts: tuple[int, ...] = (),
) -> None:
    """Prints a table for each network.

    Args:
        folder: Folder where models, exports and photos are kept for further runs.
        photos: A folder of JPEGs to use, scaled to 640x480. None: photos of noise.
        weights: Weights of MobileNetV2. None: random weights.
        vgg_weights: Weights of VGG16. None: random weights.
        networks: Networks to measure.
        num_photos: Photos per round, for each network.
        rounds: Number of times that each row is timed.
        kinds: Rows to measure, such as keras openvino "torch usual", besides Keras-TensorFlow.
            None: all.
        short: Measure one network and three rows with few photos.
        counts: Instead of the tables, measure photos per second and memory for folders with these
            numbers of photos.
    """
    if short:
        networks, num_photos, rounds = ("mobilenetv2",), (96,), 3
        kinds = ("openvino", "torch usual")
    folder.mkdir(parents=True, exist_ok=True)
    best = peaks()
    print(f"{cpu_name()}; {describe_machine()}\n{describe_peaks(best)}")
    for network, count in zip(networks, num_photos, strict=False):
        given = weights if network == "mobilenetv2" else vgg_weights
        model_path = make_model(folder, network, given)
        paths = make_photos(folder, photos, max(count, 64))
        if counts:
            print_scaling(network, model_path, paths, counts)
            continue
        rows = tuple(row for row in ROWS if not kinds or row.kind in ("predict", *kinds))
        print(f"\n{NETWORKS[network]}, {count} photos, {rounds} rounds")
        found = measure(rows, network, model_path, paths[:count], rounds)
        print_table(found)
        print_rooflines(found, best)


def measure(
    rows: tuple[Row, ...], network: str, model_path: Path, paths: list[Path], rounds: int
) -> list[dict]:
    """Returns the times of each row that runs here, round by round."""
    started = [Worker(row, network, model_path) for row in rows]
    for worker in started:
        worker.pipe.send(("start", ()))
    workers = []
    for worker in started:
        problem = worker.pipe.recv()
        if problem is None:
            workers.append(worker)
        else:
            print(f"left out: {worker.row.label}, {worker.row.precision} ({problem})")
            worker.close()
    reference = workers[0].ask("check")
    for worker in workers:
        worker.compare(worker.ask("check"), reference)
        worker.ask("describe", paths[:16])  # warm
    for _ in range(rounds):
        for worker in workers:
            for what in ("describe", "compute", "latency", "peaks"):
                worker.results.setdefault(what, []).append(worker.ask(what, paths))
    flops, num_bytes = workers[0].ask("cost", SIZE)
    found = [worker.summary() | {"flops": flops, "bytes": num_bytes} for worker in workers]
    for worker in workers:
        worker.close()
    return found


class Worker:
    """A row in its own process."""

    def __init__(self, row: Row, network: str, model_path: Path):
        self.row, self.results, self.cosine = row, {}, 1.0
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=row_process, args=(theirs, row, network, model_path, SIZE)
        )
        self.process.start()

    def ask(self, what: str, *arguments: Any) -> Any:
        """Returns the answer of the process, or raises its error."""
        self.pipe.send((what, arguments))
        answer = self.pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def compare(self, descriptors: np.ndarray, reference: np.ndarray) -> None:
        """Refuses descriptors that differ from Keras's, and records the smallest cosine."""
        self.cosine = float((descriptors * reference).sum(axis=1).min())
        most = 1e-4 if self.row.kind.startswith("torch") else 1e-5
        difference = np.abs(descriptors - reference).max()
        if self.row.precision == "float32" and difference > most:
            raise ValueError(f"{self.row.label} differs from Keras by {difference:.1e}")

    def summary(self) -> dict:
        """Returns the row's results."""
        return {"row": self.row, "cosine": self.cosine, "rss": self.ask("rss"), **self.results}

    def close(self) -> None:
        """Ends the process."""
        self.pipe.send(("end", ()))
        self.process.join()


def print_table(found: list[dict]) -> None:
    """Prints photos per second, ratios, cosine, latency, share of the peak and memory."""
    keras = found[0]["describe"]
    torch = next((each["describe"] for each in found if each["row"].kind == "torch usual"), None)
    in_turn = next((each["peaks"] for each in found if each["peaks"][0]), None)
    for name in in_turn[0] if in_turn else ():
        print(f"matrix peak {name}: {statistics.median(p[name] for p in in_turn):.0f} GFLOP/s")
    print(
        "| | precision | photos/s | of Keras | of PyTorch | inference alone | of the peak | "
        "least cosine | one photo ms | p99 | MB |\n|" + "---|" * 11
    )
    for each in found:
        rates, computed = each["describe"], each["compute"]
        latencies = np.concatenate(each["latency"]) * 1e3
        share, precision = "-", each["row"].precision
        if in_turn and precision in in_turn[0]:
            shares = [
                rate * each["flops"] / 1e9 / peak[precision]
                for rate, peak in zip(computed, in_turn, strict=True)
            ]
            share = f"{100 * statistics.median(shares):.0f} %"
        print(
            f"| {each['row'].label} | {each['row'].precision} | {spread(rates)} | "
            f"{ratio(rates, keras)} | {ratio(rates, torch)} | {statistics.median(computed):.1f} | "
            f"{share} | {each['cosine']:.6f} | {np.median(latencies):.1f} | "
            f"{np.percentile(latencies, 99):.1f} | {each['rss']:.0f} |"
        )


def print_rooflines(found: list[dict], best: dict[str, float]) -> None:
    """Prints how close the inference of each row comes to what the machine allows.

    The bytes are the outputs of layers, each written once and read once, with two bytes per number
    in bf16. A library that fuses layers moves fewer bytes. Weights, which a batch reads once, are
    left out.
    """
    for each in found:
        row = each["row"]
        name = {"float32": "float32", "bf16": "bfloat16"}.get(row.precision)
        if f"{name}_gflops" in best:
            seconds = 1 / statistics.median(each["compute"])
            num_bytes = 2 * each["bytes"] / (2 if row.precision == "bf16" else 1)
            line = roofline(each["flops"], num_bytes, seconds, best, name)
            print(f"{row.label}, {row.precision}, a photo: {line}")


def spread(rates: list[float]) -> str:
    """Returns the median and the middle half."""
    low, middle, high = np.percentile(rates, (25, 50, 75))
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def ratio(rates: list[float], others: list[float] | None) -> str:
    """Returns the median of the ratios within rounds."""
    if others is None:
        return "-"
    return f"{statistics.median(a / b for a, b in zip(rates, others, strict=True)):.2f}"


def print_scaling(network: str, model_path: Path, paths: list[Path], counts: tuple) -> None:
    """Prints speed and memory for folders of many photos, each in a new process."""
    print(f"\n{NETWORKS[network]}, engine auto\n| photos | photos/s | peak MB |\n|---|---|---|")
    for count in counts:
        worker = Worker(Row("engine auto", "auto", "float32"), network, model_path)
        if problem := worker.ask("start"):
            raise ValueError(problem)
        start = time.perf_counter()
        worker.ask("stream", paths, count)
        rate = count / (time.perf_counter() - start)
        print(f"| {count} | {rate:.1f} | {worker.ask('rss'):.0f} |", flush=True)
        worker.close()


def make_photos(folder: Path, source: Path | None, count: int) -> list[Path]:
    """Writes JPEGs of 640x480 from given photos, or from noise that is as hard to decode."""
    home = folder / ("photos" if source is None else "given_photos")
    home.mkdir(exist_ok=True)
    given = [] if source is None else sorted(source.rglob("*.jpg"))
    paths = [home / f"{number:05d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        if path.exists():
            continue
        if given:
            pixels = cv2.resize(cv2.imread(str(given[number % len(given)])), (640, 480))
        else:
            rng = np.random.default_rng(number)
            pixels = np.full((480, 640, 3), 120, np.float32)
            for cells in (5, 20, 80, 320):
                noise = rng.normal(0, 40 / cells**0.25, (cells * 3 // 4, cells, 3))
                pixels += cv2.resize(noise.astype(np.float32), (640, 480))
            pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


if __name__ == "__main__":
    tyro.cli(main)
