"""Measures how fast a training step is, compared with a plain PyTorch loop.

    python benchmarks/training_peer.py --weights WEIGHTS.npz --vgg-weights VGG.npz
    python benchmarks/training_peer.py --short

docs/lab/performance.md has what it printed. It needs the extras `jax` and `torch`; a row whose
library is missing is left out.

A step takes a batch of photos of 240x320 from memory: 4 tuples of 13 photos with the triplet
ranking loss, or 24 pairs with the multi-similarity loss. The layers of `CASES` learn with Adam, and
batch normalization keeps its statistics. All rows have the same weights, photos and loss. Before
the timing, the losses of the first three steps must agree with those of Keras on TensorFlow: the
first within 1e-3 in float32, the third within 5 %, because Adam amplifies rounding errors.

The PyTorch peer is the usual port of NetVLAD (`torch_peer.py`). "usual" computes the loss triplet
by triplet (for pairs: anchor by anchor), as its users do. "tuned" has channels_last, torch.compile
and the loss in a few products. The peer gets its photos already scaled. Rows of bf16 are left out
if the processor does not have it; that of placevec is `train --precision mixed_bfloat16`. Rows take
turns, each in a separate process; ratios are computed within a turn.

torch.compile runs g++ for each of some 30 kernels before the first step of a tuned row. It takes 80
seconds of processor time for MobileNetV2, for each batch, and again for bf16. A line for each row
says how long it took to get ready. A row that gives no answer within `--limit-s` is left out.
PyTorch's threads sleep while they wait for each other (`OMP_WAIT_POLICY=PASSIVE`, unless you set
another). If other work runs, threads that wait busily take the processor from the one that they
wait for, and a step takes six times as long. Other work affects the processor time of a row, which
counts all of its threads, less than the seconds.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from describe_rows import SETTINGS, cpu_name, make_model
from machine import describe_machine, status_mb

SIZE = (240, 320)
MARGIN, RADIUS_M = 0.1, 25.0
LEARNING_RATE = 1e-4
# Network -> its name in the table, the first layer that learns.
CASES = {
    "mobilenetv2": ("MobileNetV2 block_9_add + NetVLAD 16", "block_7_expand"),
    "vgg16": ("VGG16 block5_conv3 + NetVLAD 64", "block5_conv1"),
}
ROWS = (
    "placevec tensorflow",
    "placevec tensorflow bf16",
    "placevec jax",
    "placevec torch",
    "PyTorch usual",
    "PyTorch tuned",
    "PyTorch tuned bf16",
)


@dataclasses.dataclass(frozen=True)
class Batch:
    """The content of a step.

    Args:
        tuples: int. Tuples in a batch.
        num_positives: int. Positives of a tuple.
        num_negatives: int. Negatives of a tuple.
        loss: str. A key of `placevec.config.choices.LOSSES`.
    """

    tuples: int
    num_positives: int
    num_negatives: int
    loss: str

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple."""
        return 1 + self.num_positives + self.num_negatives

    def photos(self) -> np.ndarray:
        """Returns smooth noise, (B, T, H, W, 3) uint8, the same each time."""
        import cv2

        rng = np.random.default_rng(2)
        small = rng.integers(0, 256, (self.tuples * self.tuple_size, 30, 40, 3), np.uint8)
        large = [cv2.resize(photo, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for photo in small]
        return np.reshape(large, (self.tuples, self.tuple_size, *SIZE, 3))

    def places_m(self) -> np.ndarray:
        """Returns positions of the photos, (B, T, 2), with tuples and negatives far apart."""
        places = np.zeros((self.tuples, self.tuple_size, 2), np.float32)
        places[..., 0] = 1000.0 * np.arange(self.tuples)[:, None]
        places[:, 1 + self.num_positives :, 1] = 500.0
        return places


BATCHES = {
    "4 tuples of 13": Batch(4, 2, 10, "triplet_ranking"),
    "24 pairs": Batch(24, 1, 0, "multi_similarity"),
    "4 pairs": Batch(4, 1, 0, "multi_similarity"),  # for a slow machine and a large network
}


def main(
    folder: Path = Path("data/describe_benchmark"),
    weights: Path | None = None,
    vgg_weights: Path | None = None,
    networks: tuple[str, ...] = tuple(CASES),
    batches: tuple[str, ...] = ("4 tuples of 13", "24 pairs"),
    rows: tuple[str, ...] = ROWS,
    rounds: int = 5,
    limit_s: float = 1800.0,
    short: bool = False,
) -> None:
    """Prints a table for each network and batch.

    Args:
        folder: Folder where the networks are kept for further runs.
        weights: Weights of MobileNetV2. None: random weights.
        vgg_weights: Weights of VGG16. None: random weights.
        networks: Networks to measure.
        batches: Batches to measure.
        rows: Rows to measure.
        rounds: Number of steps of each row that are timed.
        limit_s: Seconds that a row may take to get ready, or for a step, before it is left out.
        short: One network, one small batch, two rows and two rounds, to see whether it runs.
    """
    cases = {name: BATCHES[name] for name in batches}
    if short:
        networks, rows, rounds = ("mobilenetv2",), ("placevec tensorflow", "PyTorch usual"), 2
        cases = {"2 tuples of 4": Batch(2, 1, 2, "triplet_ranking")}
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{cpu_name()}; {describe_machine()}")
    for network in networks:
        model_path = make_model(
            folder, network, weights if network == "mobilenetv2" else vgg_weights
        )
        for name, batch in cases.items():
            print(f"\n{CASES[network][0]}, {name}, {rounds} rounds", flush=True)
            print_table(measure(rows, network, batch, model_path, rounds, limit_s), batch)


@dataclasses.dataclass(frozen=True)
class Step:
    """Seconds of a step, its seconds of processor time, and the peak memory so far in MB."""

    seconds: float
    processor_s: float
    memory_mb: float


def measure(
    rows: tuple[str, ...],
    network: str,
    batch: Batch,
    model_path: Path,
    rounds: int,
    limit_s: float,
    process: Callable[..., None] | None = None,
) -> dict[str, list[Step]]:
    """Returns the steps of each row that runs here, round by round.

    Args:
        rows: tuple of str. Rows to measure.
        network: str. A key of `CASES`.
        batch: Batch.
        model_path: Path. What `make_model` returned.
        rounds: int. Steps of each row.
        limit_s: float. Seconds that an answer of a row may take.
        process: callable or None. Used instead of `row_process`.

    Returns:
        dict of row -> list of Step.

    Raises:
        ValueError: If a row has other losses than the first row.
    """
    workers: dict[str, Worker] = {}
    first: list[float] = []
    with contextlib.ExitStack() as stack:
        for row in rows:
            start = time.perf_counter()
            worker = Worker(process or row_process, (row, network, batch, model_path), limit_s)
            stack.callback(worker.stop)
            try:
                losses = worker.answer()
            except LeftOutError as error:
                print(f"left out: {row} ({error})", flush=True)
                continue
            first = first or losses
            check_losses(row, losses, first)
            print(f"ready: {row}, after {time.perf_counter() - start:.0f} s", flush=True)
            workers[row] = worker
        steps: dict[str, list[Step]] = {row: [] for row in workers}
        for _ in range(rounds):
            for row in list(steps):
                try:
                    steps[row].append(workers[row].answer("step"))
                except LeftOutError as error:
                    print(f"left out: {row} ({error})", flush=True)
                    del steps[row]
        for row in steps:
            workers[row].end()
    return steps


def check_losses(row: str, losses: list[float], first: list[float]) -> None:
    """Refuses a row that does not compute the same step."""
    most = (3e-2, 3e-1) if "bf16" in row else (1e-3, 5e-2)
    for step, share in zip((0, 2), most, strict=True):
        if not abs(losses[step] - first[step]) <= share * first[step]:
            raise ValueError(f"{row}: the loss of step {step} is {losses[step]}, not {first[step]}")


class LeftOutError(Exception):
    """The reason why a row cannot be measured here."""


class Worker:
    """A row in its own process.

    Args:
        process: callable. Takes a pipe and the arguments, and sends answers.
        arguments: tuple. The row and what it measures.
        limit_s: float. Seconds that an answer may take.
    """

    def __init__(self, process: Callable[..., None], arguments: tuple, limit_s: float):
        context = multiprocessing.get_context("spawn")
        self.limit_s = limit_s
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=process, args=(theirs, *arguments))
        self.process.start()
        theirs.close()  # or a process that was killed would be waited for

    def answer(self, question: str | None = None) -> Any:
        """Returns the next answer of the process, or raises its error."""
        try:
            if question is not None:
                self.pipe.send(question)
            if not self.pipe.poll(self.limit_s):
                self.stop()
                raise LeftOutError(f"no answer within {self.limit_s:g} s")
            answer = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            code = self.process.exitcode
            raise LeftOutError(f"its process ended with code {code}; -9: no memory") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        """Lets the process end by itself, so that it gives back what it holds."""
        with contextlib.suppress(ConnectionError):  # it was killed since its last answer
            self.pipe.send("end")
        self.process.join(self.limit_s)

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self.process.kill()
        self.process.join()


def row_process(pipe: Connection, row: str, network: str, batch: Batch, model_path: Path) -> None:
    """Sends the losses of three steps, then one more `Step` each time it is asked."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        program, way = row.split(" ", 1)
        make_step = placevec_step if program == "placevec" else torch_step
        step = make_step(way, network, batch, model_path)
        pipe.send([step() for _ in range(3)])
        while pipe.recv() == "step":
            start, processor_start = time.perf_counter(), time.process_time()
            step()
            seconds, processor_s = (
                time.perf_counter() - start,
                time.process_time() - processor_start,
            )
            pipe.send(Step(seconds, processor_s, status_mb("VmHWM")))
    except ImportError as error:
        pipe.send(LeftOutError(str(error)))
    except Exception as error:  # The parent process raises it.
        pipe.send(error)


def placevec_step(way: str, network: str, batch: Batch, model_path: Path) -> Callable[[], float]:
    """Returns a function that trains one step and returns its loss."""
    backend, _, bf16 = way.partition(" ")
    os.environ["KERAS_BACKEND"] = backend
    from placevec.process.freed_memory import keep_freed_memory

    keep_freed_memory()  # as `placevec train` does
    from placevec.config import LossConfig, OptimizerConfig, TrainConfig, TupleConfig
    from placevec.models import load_model
    from placevec.training.step.tuple_model import make_tuple_model

    config = TrainConfig(
        batch_size=batch.tuples,
        tuples=TupleConfig(
            num_positives=batch.num_positives,
            num_negatives=batch.num_negatives,
            negative_radius_m=RADIUS_M,
        ),
        loss=LossConfig(batch.loss, margin=MARGIN),
        optimizer=OptimizerConfig(
            learning_rate=LEARNING_RATE, train_from_layer=CASES[network][1], freeze_batch_norm=True
        ),
    )
    model = load_model(model_path)
    if bf16:
        model = with_bf16(model, network)
    tuple_model = make_tuple_model(model, config)
    photos, places = batch.photos(), batch.places_m()

    def step() -> float:
        tuple_model.reset_metrics()
        return float(tuple_model.train_on_batch(photos, places))

    return step


def with_bf16(model: Any, network: str) -> Any:
    """Returns the network built again as `placevec train --precision mixed_bfloat16` builds it."""
    require_bf16()
    import keras

    from placevec.config import ModelConfig
    from placevec.models import build_descriptor_model

    keras.config.set_dtype_policy("mixed_bfloat16")
    other = build_descriptor_model(
        ModelConfig(backbone=network, weights="none", **SETTINGS[network])
    )
    other.set_weights(model.get_weights())
    return other


def require_bf16() -> None:
    """Leaves out a row of bfloat16 where the processor does not have it."""
    if "bf16" not in cpu_name():
        raise ImportError("this processor has no bf16")


def torch_step(way: str, network: str, batch: Batch, model_path: Path) -> Callable[[], float]:
    """Returns a function that trains one step in PyTorch and returns its loss."""
    import torch

    if "bf16" in way:
        require_bf16()
    from torch_peer import TorchPeer, layer_weights

    peer = TorchPeer(network, layer_weights(model_path), SIZE, "usual", batch_size=8)
    model = peer.model
    photos = batch.photos().reshape(-1, *SIZE, 3)
    tensor = torch.from_numpy(peer.scale(photos).transpose(0, 3, 1, 2).copy())
    places = torch.from_numpy(batch.places_m())
    freeze(model, network)
    learns = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(learns, lr=LEARNING_RATE, eps=1e-7)
    loss_of = LOSSES[batch.loss]["usual" if way == "usual" else "tuned"]
    if way != "usual":
        tensor = tensor.to(memory_format=torch.channels_last)
        model = torch.compile(model.to(memory_format=torch.channels_last))
        loss_of = torch.compile(loss_of)

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in way):
            descriptors = model(tensor)
        descriptors = descriptors.float().reshape(batch.tuples, batch.tuple_size, -1)
        loss = loss_of(descriptors, places, batch.num_positives)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def freeze(model: Any, network: str) -> None:
    """Freezes everything before the first learning layer, and all batch normalization."""
    from torch import nn

    # Indices in `torch_peer.build`: block 7 is module 9, and block5_conv1 is counted from the end.
    first = 9 if network == "mobilenetv2" else len(model) - 7
    for number, part in enumerate(model):
        for module in part.modules():
            learns = number >= first and not isinstance(module, nn.BatchNorm2d)
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(learns)


def triplet_by_triplet(descriptors: Any, places: Any, num_positives: int) -> Any:
    """The triplet ranking loss as loops over tuples and negatives."""
    total = 0.0
    for query, *others in descriptors:
        distances = [((query - other) ** 2).sum() for other in others]
        nearest = min(distances[:num_positives])
        for distance in distances[num_positives:]:
            total = total + (nearest + MARGIN - distance).clamp(min=0)
    return total / len(descriptors)


def triplets_at_once(descriptors: Any, places: Any, num_positives: int) -> Any:
    """The triplet ranking loss in one product."""
    distances = 2 - 2 * (descriptors[:, 1:] @ descriptors[:, 0, :, None])[..., 0]  # (B, P + Nn)
    nearest = distances[:, :num_positives].amin(dim=1, keepdim=True)
    return (nearest + MARGIN - distances[:, num_positives:]).clamp(min=0).sum(dim=1).mean()


def pairs_anchor_by_anchor(descriptors: Any, places: Any, num_positives: int) -> Any:
    """The multi-similarity loss as a loop over anchors, as in its first code."""
    import torch

    flat, at = descriptors.flatten(0, 1), places.flatten(0, 1)
    size = descriptors.shape[1]
    total = 0.0
    for number in range(len(flat)):
        similarity = flat @ flat[number]
        is_near = ((at - at[number]) ** 2).sum(dim=1) <= RADIUS_M**2
        same = torch.arange(len(flat)) // size == number // size
        positive = similarity[is_near & same & (torch.arange(len(flat)) != number)]
        negative = similarity[~is_near]
        kept = positive[positive - MARGIN < negative.max()]
        pushed = negative[negative + MARGIN > positive.min()]
        total = total + torch.log1p(torch.exp(-kept).sum())
        total = total + torch.log1p(torch.exp(50 * pushed).sum()) / 50
    return total / len(flat)


def pairs_at_once(descriptors: Any, places: Any, num_positives: int) -> Any:
    """The multi-similarity loss over the matrix of similarities."""
    import torch

    flat, at = descriptors.flatten(0, 1), places.flatten(0, 1)
    size = descriptors.shape[1]
    similarity = flat @ flat.T
    is_far = ((at[:, None] - at[None]) ** 2).sum(dim=-1) > RADIUS_M**2
    group = torch.arange(len(flat)) // size
    is_positive = (group[:, None] == group) & ~is_far & ~torch.eye(len(flat), dtype=torch.bool)
    worst_positive = torch.where(is_positive, similarity, 1e9).amin(dim=1, keepdim=True)
    worst_negative = torch.where(is_far, similarity, -1e9).amax(dim=1, keepdim=True)
    pulls = is_positive & (similarity - MARGIN < worst_negative)
    pushes = is_far & (similarity + MARGIN > worst_positive)
    pull = torch.logsumexp(torch.where(pulls, -similarity, -1e9), dim=1)
    push = torch.logsumexp(torch.where(pushes, 50 * similarity, -1e9), dim=1)
    softplus = torch.nn.functional.softplus
    return (softplus(pull) + softplus(push) / 50).mean()


LOSSES = {
    "triplet_ranking": {"usual": triplet_by_triplet, "tuned": triplets_at_once},
    "multi_similarity": {"usual": pairs_anchor_by_anchor, "tuned": pairs_at_once},
}


def print_table(steps: dict[str, list[Step]], batch: Batch) -> None:
    """Prints what a step takes, and ratios of time and processor time to both peers."""
    count = batch.tuples * batch.tuple_size
    heads = ["", "s a step", "processor s", "photos/s"]
    heads += [f"of {peer}{by}" for peer in ("usual", "tuned") for by in ("", ", processor")]
    heads += ["peak MB"]
    print(f"| {' | '.join(heads)} |\n|" + "---|" * len(heads))
    for row, taken in steps.items():
        seconds = statistics.median(each.seconds for each in taken)
        processor_s = statistics.median(each.processor_s for each in taken)
        ratios = []
        for peer in ("PyTorch usual", "PyTorch tuned"):
            pairs = list(zip(steps.get(peer, ()), taken, strict=False))
            for what in ("seconds", "processor_s"):
                values = [getattr(theirs, what) / getattr(ours, what) for theirs, ours in pairs]
                ratios.append(f"{statistics.median(values):.2f}" if values else "-")
        cells = [row, f"{seconds:.2f}", f"{processor_s:.2f}", f"{count / seconds:.1f}"]
        cells += [*ratios, f"{max(each.memory_mb for each in taken):.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
