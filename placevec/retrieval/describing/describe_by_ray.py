"""Describes photos with many processes of Ray."""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig
from placevec.models.describe import Model, NoReadablePhotoError, describe
from placevec.process.workers import python_path
from placevec.progress import Progress, no_progress

_BATCHES_OF_A_PART = 64


def describe_by_ray(
    open_model: Callable[[], Model],
    paths: Sequence[Path],
    *,
    num_workers: int,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int,
    progress: Progress = no_progress,
) -> Iterator[tuple[NDArray[np.float32], list[int]]]:
    """Describes photos as `describe_in_batches` does, with processes of Ray Data.

    The photos are cut into parts of 64 batches. Each process has the model and passes one part at a
    time to `describe`. So batches equal those of a single process. The bytes are equal too if all
    photos can be read and, with TensorFlow, this process imported placevec before TensorFlow, as
    the other processes do. If a process is killed, it is replaced and its part is described again.
    Processes run on the cluster that `RAY_ADDRESS` names, whose machines must have the photos and
    the model under the same paths. Without it, they run on this machine.

    Args:
        open_model: callable. Opens the model once in each process, such as
            `functools.partial(load_model, path)`. `describe` must accept its result.
        paths: sequence of Path. The photos.
        num_workers: int. Number of processes.
        image_size: (int, int) or None. See `describe`.
        batch_size: int. Photos in a batch.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Yields:
        Descriptors `(n, D)` float32 and the indices in `paths` of their photos, in order.

    Raises:
        ValueError: If there are no photos, a number is out of range, or as `describe`.
        ImportError: If Ray is not installed.
    """
    if not len(paths):
        raise ValueError("No photos to describe")
    if min(num_workers, batch_size) < 1:
        raise ValueError(
            "`num_workers` and `batch_size` must be positive. "
            f"Received: num_workers={num_workers}, batch_size={batch_size}"
        )
    size = _BATCHES_OF_A_PART * batch_size
    paths = [Path(path).absolute() for path in paths]
    parts = [paths[first : first + size] for first in range(0, len(paths), size)]
    with _ray(num_workers) as ray:
        dataset = ray.data.from_items(
            [
                {"part": number, "paths": [str(path) for path in part]}
                for number, part in enumerate(parts)
            ],
            override_num_blocks=len(parts),
        )
        described = dataset.map_batches(
            _Describer,
            fn_constructor_args=(open_model, image_size, batch_size),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=num_workers),
            num_cpus=1,
        )
        rows = progress(described.iter_rows(), total=len(parts), unit="part", desc="describe")
        for part, row in enumerate(_in_order(rows)):
            if row["problem"]:
                raise ValueError(row["problem"])
            places = np.frombuffer(row["places"], np.int64) + part * size
            if len(places):
                descriptors = np.frombuffer(row["descriptors"], np.float32)
                yield descriptors.reshape(len(places), -1), places.tolist()


@dataclass
class _Describer:
    """The model in a process of Ray, which describes one part at a time."""

    open_model: Callable[[], Model]
    image_size: tuple[int, int] | None
    batch_size: int

    def __post_init__(self) -> None:
        self._model = self.open_model()

    def __call__(self, batch: dict[str, NDArray[np.generic]]) -> dict[str, list]:
        paths = [Path(path) for path in batch["paths"][0]]
        descriptors, places, problem = np.zeros((0, 0), np.float32), np.zeros(0, np.int64), ""
        try:
            descriptors, places = describe(
                self._model, paths, image_size=self.image_size, batch_size=self.batch_size
            )
        except NoReadablePhotoError:
            pass  # other parts may have readable photos
        except ValueError as error:  # Ray would raise its whole traceback instead of one line
            problem = str(error)
        return {
            "part": [int(batch["part"][0])],
            "problem": [problem],
            "places": [places.tobytes()],
            "descriptors": [descriptors.astype(np.float32).tobytes()],
        }


def _in_order(rows: Iterable[dict]) -> Iterator[dict]:
    """Yields parts in the order of their numbers, although they finish in any order."""
    waiting, next_part = {}, 0
    for row in rows:
        waiting[row["part"]] = row
        while next_part in waiting:
            yield waiting.pop(next_part)
            next_part += 1


@contextlib.contextmanager
def _ray(num_workers: int) -> Iterator:
    try:
        import ray  # pyright: ignore[reportMissingImports]  # not installed
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "Workers need Ray, which is not installed: pip install 'placevec[ray]'"
        ) from error
    opened_here = not ray.is_initialized()
    if opened_here:
        names = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")
        variables = {name: os.environ[name] for name in names if name in os.environ}
        variables["PYTHONPATH"] = python_path()
        local = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": num_workers}
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env={"env_vars": variables},
            **local,
        )
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray
    finally:
        if opened_here:
            ray.shutdown()
