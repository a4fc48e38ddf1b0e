"""Many photos to descriptors, in shards on disk, by this process or by many of Ray's."""

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placevec.config import DescribeConfig
from placevec.retrieval.describe import NoReadablePhotoError, describe, no_progress
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_MANIFEST = "shards.json"
_SHARD_SIZE = 512

Model = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Work:
    """What every process must know."""

    open_model: Callable[[], Model]
    root: Path
    names: tuple[str, ...]
    out_dir: Path
    shard_size: int
    image_size: tuple[int, int] | None
    batch_size: int

    @property
    def num_shards(self) -> int:
        return -(-len(self.names) // self.shard_size)

    def is_done(self, shard: int) -> bool:
        return _descriptors_file(self.out_dir, shard).exists()


def describe_bulk(
    open_model: Callable[[], Model],
    root: Path,
    names: Sequence[str],
    out_dir: Path,
    *,
    num_workers: int = 0,
    shard_size: int = _SHARD_SIZE,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int = DescribeConfig.batch_size,
    model_id: str = "",
    progress: Callable[..., Iterable] = no_progress,
) -> int:
    """Describes photos shard by shard, each written whole or not at all.

    A shard is so many photos in a row, put through `describe` by itself. So batches are the same
    whoever describes a shard, and so are the bytes of its files. Shards that are there are left
    alone: the same call after a kill does what is missing. With workers, Ray Data gives the shards
    to processes that each hold the model; one that is killed is replaced and its shard is done
    again. They join the cluster that `RAY_ADDRESS` names, which must see photos and `out_dir` under
    the same paths; without it, they run on this machine.

    Args:
        open_model: callable. Loads the model, once in each process, such as
            `functools.partial(load_model, path)`; see `describe` for what it returns.
        root: Path. Folder that the names start from.
        names: sequence of str. The photos.
        out_dir: Path. Folder for `000000.npy`, `000000.names.npy` and so on. Made where missing.
        num_workers: int. Processes of Ray. 0: this process, without Ray.
        shard_size: int. Photos in a shard.
        image_size: (int, int) or None. See `describe`.
        batch_size: int. Photos in a batch.
        model_id: str. What tells the model apart from others.
        progress: callable. `tqdm`, or what has its arguments; draws a bar over the shards.

    Returns:
        int. Shards that were missing and are there now.

    Raises:
        ValueError: If there are no photos, a number is out of range, or the folder holds shards of
            other photos or settings.
        ImportError: If there are workers and Ray is not installed.
    """
    if not len(names):
        raise ValueError("No photos to describe")
    if num_workers < 0 or min(shard_size, batch_size) < 1:
        raise ValueError(
            "`shard_size` and `batch_size` must be positive, `num_workers` not negative. Received: "
            f"shard_size={shard_size}, batch_size={batch_size}, num_workers={num_workers}"
        )
    work = _Work(
        open_model, Path(root), tuple(map(str, names)), Path(out_dir).absolute(), shard_size,
        image_size, batch_size,
    )  # fmt: skip
    run = _run_here if num_workers == 0 else _open_ray(num_workers)
    _open_folder(work, model_id)
    start = time.perf_counter()
    missing = [shard for shard in range(work.num_shards) if not work.is_done(shard)]
    if missing:
        for _ in progress(run(work, missing), total=len(missing), unit="shard", desc="describe"):
            pass
    seconds = time.perf_counter() - start
    _log.info("described %d of %d shards in %.1f s", len(missing), work.num_shards, seconds)
    return len(missing)


def read_shards(out_dir: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields what `describe_bulk` wrote, in the order of the photos.

    Args:
        out_dir: Path. The folder.

    Yields:
        Names `(n,)` str of the photos of a shard that could be read, and their descriptors
        `(n, D)` float32, from a memory map. Shards without any are left out.

    Raises:
        FileNotFoundError: If the folder holds no shards, or some are missing.
    """
    out_dir = Path(out_dir)
    if not (out_dir / _MANIFEST).exists():
        raise FileNotFoundError(f"{out_dir} holds no shards of descriptors: no {_MANIFEST}")
    settings = json.loads((out_dir / _MANIFEST).read_text(encoding="utf-8"))
    for shard in range(settings["num_shards"]):
        path = _descriptors_file(out_dir, shard)
        if not path.exists():
            raise FileNotFoundError(
                f"Shard {shard} of {settings['num_shards']} in {out_dir} is missing. Describe the "
                "photos once more: what is there is kept"
            )
        descriptors = np.load(path, mmap_mode="r" if path.stat().st_size > 256 else None)
        if len(descriptors):
            yield np.load(_names_file(out_dir, shard)), descriptors


def _describe_shard(model: Model, work: _Work, shard: int) -> None:
    names = np.array(work.names[shard * work.shard_size : (shard + 1) * work.shard_size])
    try:
        descriptors, kept = describe(
            model,
            [work.root / name for name in names],
            image_size=work.image_size,
            batch_size=work.batch_size,
        )
    except NoReadablePhotoError as error:
        _log.warning("%s", error)
        descriptors, kept = np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
    # The descriptors come last: where they are, the shard is whole.
    for path, array in (
        (_names_file(work.out_dir, shard), names[kept]),
        (_descriptors_file(work.out_dir, shard), descriptors),
    ):
        with whole_file(path) as unfinished, open(unfinished, "wb") as file:
            np.save(file, array, allow_pickle=False)


def _run_here(work: _Work, shards: list[int]) -> Iterator[int]:
    model = work.open_model()
    for shard in shards:
        _describe_shard(model, work, shard)
        yield shard


class _Describer:
    """What a process of Ray holds."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._model = work.open_model()

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for shard in batch["shard"]:
            _describe_shard(self._model, self._work, int(shard))
        return batch


def _open_ray(num_workers: int) -> Callable[[_Work, list[int]], Iterator[int]]:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            "Workers need Ray, which is not installed: pip install 'placevec[ray]'"
        ) from error

    def run(work: _Work, shards: list[int]) -> Iterator[int]:
        opened_here = not ray.is_initialized()
        if opened_here:
            names = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
            variables = {name: os.environ[name] for name in names if name in os.environ}
            variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
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
            items = ray.data.from_items(
                [{"shard": shard} for shard in shards], override_num_blocks=len(shards)
            )
            done = items.map_batches(
                _Describer,
                fn_constructor_args=(work,),
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=num_workers),
                num_cpus=1,
            )
            for row in done.iter_rows():
                yield row["shard"]
        finally:
            if opened_here:
                ray.shutdown()

    return run


def _open_folder(work: _Work, model_id: str) -> None:
    """Makes the folder and notes what it is for; refuses one that is for something else."""
    settings = {
        "model": model_id,
        "image_size": None if work.image_size is None else list(work.image_size),
        "batch_size": work.batch_size,
        "shard_size": work.shard_size,
        "num_photos": len(work.names),
        "num_shards": work.num_shards,
        "photos": hashlib.sha256("\n".join(work.names).encode()).hexdigest(),
    }
    path = work.out_dir / _MANIFEST
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in settings.items() if before.get(name) != value]
        if changed:
            raise ValueError(
                f"{work.out_dir} holds shards with other {', '.join(changed)}. Give the same "
                "photos and settings, or name another folder"
            )
        return
    work.out_dir.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _descriptors_file(out_dir: Path, shard: int) -> Path:
    return out_dir / f"{shard:06d}.npy"


def _names_file(out_dir: Path, shard: int) -> Path:
    return out_dir / f"{shard:06d}.names.npy"
