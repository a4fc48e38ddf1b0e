"""Compares formats for a store of descriptors: npy + Parquet, Lance, Zarr and Arrow IPC.

    pip install pylance==14.0.2 zarr==3.1.6
    python benchmarks/store.py
    python benchmarks/store.py --short

It prints one table. Each format gets the same descriptors with names, positions and times, in the
same shards. Open: a process with its libraries loaded opens the store and reads ten descriptors.
Scan: all descriptors are read once as NumPy arrays. Kills: a process that writes is killed by
SIGKILL at 20 moments spread over its work. The table counts how often the store then does not hold
exactly the finished shards, with at most one more and nothing in part. Formats that are not
installed are left out.
"""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import tyro
from machine import describe_machine

from placevec.store import DescriptorStore, StoreWriter

_KILLS = 20


def main(num_photos: int = 50_000, dim: int = 1024, shard: int = 4096, short: bool = False) -> None:
    """Writes descriptors in each format and prints speed, size and what kills leave behind.

    Args:
        num_photos: Number of descriptors to write.
        dim: Dimensions of a descriptor.
        shard: Photos written at a time.
        short: Only 6,000 descriptors of 256 dimensions, in shards of 500.
    """
    if short:
        num_photos, dim, shard = 6000, 256, 500
    warnings.simplefilter("ignore")  # Zarr warns about columns of text.
    made = np.random.default_rng(0).standard_normal((num_photos, dim), np.float32)
    print(describe_machine())
    print("format         write MB/s  open ms  scan MB/s  bytes a photo  broken by kills")
    for name, (needs, write, read) in FORMATS.items():
        if importlib.util.find_spec(needs) is None:
            print(f"{name:<14s} {needs} is not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store"
            start = time.perf_counter()
            for first in range(0, num_photos, shard):
                write(path, first, made[first : first + shard])
            _to_disk(path)
            seconds = time.perf_counter() - start
            size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
            opened = []
            for _ in range(5):
                start = time.perf_counter()
                read(path, 10)
                opened.append(time.perf_counter() - start)
            start = time.perf_counter()
            read(path, num_photos)
            scanned = time.perf_counter() - start
        megabytes = made.nbytes / 1e6
        broken = _kill(name, made[:, :256], shard)
        print(
            f"{name:<14s} {megabytes / seconds:10.0f} {1e3 * np.median(opened):8.1f} "
            f"{megabytes / scanned:10.0f} {size / num_photos:14.0f} {broken:>11d} of {_KILLS}",
            flush=True,
        )


def _to_disk(path: Path) -> None:
    for each in path.rglob("*"):
        if each.is_file():
            with open(each, "rb") as file:
                os.fsync(file.fileno())


def _columns(first: int, count: int) -> dict[str, pa.Array]:
    rows = np.arange(first, first + count)
    return {
        "name": pa.array([f"street/{row:08d}.jpg" for row in rows]),
        "east_m": pa.array(500_000 + 0.1 * rows),
        "north_m": pa.array(4_000_000 + 0.1 * rows),
        "time_s": pa.array(1.7e9 + rows),
    }


def _table(first: int, part: np.ndarray) -> pa.Table:
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), part.shape[1])
    return pa.table({**_columns(first, len(part)), "descriptor": vectors})


def _write_store(path: Path, first: int, part: np.ndarray) -> None:
    columns = _columns(first, len(part))
    positions_m = np.stack([columns["east_m"], columns["north_m"]], axis=1)
    is_new = not path.exists()
    with StoreWriter.create(path, model_id="m") if is_new else StoreWriter.open(path) as store:
        store.append(columns["name"].to_pylist(), part, positions_m, columns["time_s"].to_numpy())


def _read_store(path: Path, count: int) -> tuple[list[str], np.ndarray]:
    store = DescriptorStore.open(path)
    blocks, left = [], count
    for _, block in store.blocks():
        blocks.append(np.array(block[:left]))
        left -= len(blocks[-1])
        if left <= 0:
            break
    return store.photos["name"].slice(0, count).to_pylist(), np.concatenate(blocks)


def _write_lance(path: Path, first: int, part: np.ndarray) -> None:
    import lance

    lance.write_dataset(_table(first, part), path, mode="append" if path.exists() else "create")


def _read_lance(path: Path, count: int) -> tuple[list[str], np.ndarray]:
    import lance

    return _of_table(lance.dataset(path).to_table(["name", "descriptor"], limit=count))


def _of_table(table: pa.Table) -> tuple[list[str], np.ndarray]:
    vectors = table["descriptor"].combine_chunks()
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    return table["name"].to_pylist(), flat.reshape(len(table), -1)


def _write_zarr(path: Path, first: int, part: np.ndarray) -> None:
    import zarr

    group = zarr.open_group(path, mode="a")
    columns = {name: each.to_numpy(zero_copy_only=False) for name, each in
               _columns(first, len(part)).items()}  # fmt: skip
    columns["name"] = columns["name"].astype("U32")
    for name, values in {**columns, "descriptor": part}.items():
        if name not in group:
            group.create_array(name, shape=(0, *values.shape[1:]), dtype=values.dtype,
                               chunks=(len(values), *values.shape[1:]))  # fmt: skip
        group[name].append(values)


def _read_zarr(path: Path, count: int) -> tuple[list[str], np.ndarray]:
    import zarr

    group = zarr.open_group(path, mode="r")
    return group["name"][:count].tolist(), group["descriptor"][:count]


def _write_arrow(path: Path, first: int, part: np.ndarray) -> None:
    """Writes one IPC file per shard, moved to its name when it is complete."""
    path.mkdir(exist_ok=True)
    table, unfinished = _table(first, part), path / ".unfinished"
    with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    os.replace(unfinished, path / f"{first:09d}.arrow")


def _read_arrow(path: Path, count: int) -> tuple[list[str], np.ndarray]:
    tables, left = [], count
    for file in sorted(path.glob("*.arrow")):
        table = pa.ipc.open_file(pa.memory_map(str(file))).read_all()
        tables.append(table.slice(0, left))
        left -= len(tables[-1])
        if left <= 0:
            break
    return _of_table(pa.concat_tables(tables).combine_chunks())


# name: (library, write(path, first row, descriptors), read(path, number of photos))
FORMATS: dict[str, tuple[str, Callable, Callable]] = {
    "npy + Parquet": ("pyarrow", _write_store, _read_store),
    "Lance": ("lance", _write_lance, _read_lance),
    "Zarr": ("zarr", _write_zarr, _read_zarr),
    "Arrow IPC": ("pyarrow", _write_arrow, _read_arrow),
}


def _kill(name: str, made: np.ndarray, shard: int) -> int:
    """Returns how many kills left something other than the shards that were written."""
    made = made[: 6 * shard].copy()
    made[:, 0] = np.arange(len(made))
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "made.npy", made)
        command = [sys.executable, "-W", "ignore", __file__, "--killed", name, folder, str(shard)]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        counts = [int(each) for each in answer.stdout.split()]
        return sum(
            not _is_sound(FORMATS[name][2], Path(folder) / str(number), made, shard, count)
            for number, count in enumerate(counts)
        )


def _is_sound(read: Callable, path: Path, made: np.ndarray, shard: int, num_done: int) -> bool:
    """Returns whether all finished shards exist, at most one more, and none in part."""
    try:
        names, vectors = read(path, len(made))
    except Exception:  # whatever a library raises for a torn store
        return num_done == 0
    rows = [int(each[-12:-4]) for each in names]
    return (
        rows == list(range(len(rows)))
        and len(rows) in (num_done * shard, (num_done + 1) * shard)
        and np.array_equal(vectors, made[: len(rows)])
    )


def _write_and_be_killed(name: str, folder: str, shard: str) -> None:
    """Forks writers and kills them; prints how many shards each had finished."""
    made, step = np.load(Path(folder) / "made.npy"), int(shard)
    importlib.import_module(FORMATS[name][0])
    seconds = None
    for number in range(-1, _KILLS):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            for first in range(0, len(made), step):
                FORMATS[name][1](Path(folder) / str(number), first, made[first : first + step])
                os.write(writer, b".")
            os._exit(0)
        os.close(writer)
        start = time.perf_counter()
        if seconds is not None:
            time.sleep(seconds * (number + 0.5) / _KILLS)
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if seconds is None:
            seconds = time.perf_counter() - start
        else:
            print(len(os.read(reader, 100)))
        os.close(reader)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--killed"]:
        _write_and_be_killed(*sys.argv[2:])
    else:
        tyro.cli(main)
