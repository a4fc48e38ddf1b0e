"""What a folder of results holds, and whether every file in it is whole."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pyarrow.parquet

from placevec.kinds import is_store
from placevec.store import DescriptorStore, check_store
from placevec.store.files.leftovers import SET_ASIDE

_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{16}-")
_OF_TIME = ("seconds", "per_s", "mining_share")  # in names of columns and arrays
_OF_ONE_RUN = re.compile(r"\| \d+ \||\| resume \|")  # lines: photos a second; whether it went on
_ADDRESS = re.compile(rb'(, )?"shared_object_id": \d+')  # where in memory a new layer was
_WRITTEN = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def outcome(root: Path) -> dict[str, object]:
    """Returns the content of each file below a folder, without what holds the time of the run.

    Stores count as one: which photos, which descriptors, which index; not how they are divided
    into files. A `.keras` file is its settings and its arrays, a `.npz` file its arrays.
    """
    stores = [path for path in _folders(root) if is_store(path)]
    found: dict[str, object] = {str(store.relative_to(root)): _store(store) for store in stores}
    for path in _files(root):
        is_of_store = any(path.is_relative_to(store) for store in stores)
        if not is_of_store and path.parent.name != "tensorboard":  # its names are times
            found[str(path.relative_to(root))] = _content(path)
    return found


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """Returns the names of files that two outcomes do not have in common, and of what in them."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        left, right = one.get(name), other.get(name)
        if left is None or right is None:
            found.append(f"{name} (in one only)")
        elif left != right and isinstance(left, dict) and isinstance(right, dict):
            inside = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
            found.append(f"{name} ({', '.join(sorted(inside)[:5])})")
        elif left != right:
            found.append(name)
    return found


def damaged(root: Path) -> list[str]:
    """Returns the files below a folder that are not whole, with the reason.

    Files that `whole_file` did not finish are left out, as placevec does, and the last line of a
    file of JSON lines.
    """
    found = []
    for path in _files(root):
        try:
            _read_whole(path)
        except Exception as error:  # of any reader
            found.append(f"{path.relative_to(root)}: {type(error).__name__}: {error}")
    for folder in _folders(root):
        if is_store(folder):
            try:
                DescriptorStore.open(folder)
                report = check_store(folder).findings
                found += _faults(report)
            except (ValueError, OSError) as error:
                found.append(str(error))
    return found


def _files(root: Path) -> Iterable[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not _UNFINISHED.match(path.name):
            yield path


def leftovers(root: Path) -> list[str]:
    """Returns the unfinished files below a folder."""
    found = sorted(path for path in root.rglob(".unfinished-*"))
    return [str(path.relative_to(root)) for path in found]


def _folders(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_dir()]


def _faults(findings: Iterable[str]) -> list[str]:
    """Leaves out what a kill may leave in a store: files beside it, deleted or moved aside."""
    return [each for each in findings if "killed writer" not in each and SET_ASIDE not in each]


def _store(folder: Path) -> dict[str, object]:
    store = DescriptorStore.open(folder)
    manifest = store.manifest
    names = store.photos["name"].to_numpy()[store.rows]
    shards = [np.asarray(each) for each in store.descriptors]  # none as long as it is empty
    numbers = np.concatenate(shards)[store.rows] if shards else np.empty(0)
    order = np.argsort(names.astype(str), kind="stable")
    about = (manifest.model_id, manifest.dtype, manifest.image_size, manifest.frame, manifest.root)
    index = None if manifest.index is None else manifest.index.kind
    table = store.table().sort_values("name").to_csv(index=False)
    return {
        "about": about,
        "index": index,
        "findings": _faults(check_store(folder).findings),
        "photos": table,
        "descriptors": _digest(numbers[order].tobytes()),
    }


def _content(path: Path) -> object:
    data = path.read_bytes()
    if path.suffix == ".keras":
        return _keras_file(data)
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: (arrays[name].dtype.str, _digest(arrays[name].tobytes()))
                    for name in arrays if name not in _OF_TIME}  # fmt: skip
    if path.suffix == ".jsonl":
        return {json.dumps(json.loads(line), sort_keys=True) for line in data.splitlines() if line}
    if path.suffix == ".csv":
        return _table(data.decode())
    if path.name == "config.json":
        return {name: value for name, value in json.loads(data).items() if name != "resume"}
    if path.name == "report.md":
        return [line for line in data.decode().splitlines() if not _OF_ONE_RUN.match(line)]
    if path.name == "report.html":
        return _digest(_WRITTEN.sub(b"", data))
    if path.name == "history.png":
        return "a plot of photos a second"
    return _digest(data)


def _keras_file(data: bytes) -> dict[str, object]:
    found: dict[str, object] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            member = archive.read(name)
            if name.endswith(".h5"):
                with h5py.File(io.BytesIO(member)) as file:
                    file.visititems(lambda key, item, name=name: found.update(
                        {f"{name}/{key}": _digest(item[()].tobytes())}
                        if isinstance(item, h5py.Dataset) else {}
                    ))  # fmt: skip
            elif name != "metadata.json":
                found[name] = _digest(_ADDRESS.sub(b"", member))
    return found


def _table(text: str) -> list[tuple]:
    rows = list(csv.reader(io.StringIO(text)))
    kept = [i for i, name in enumerate(rows[0]) if not any(each in name for each in _OF_TIME)]
    return [tuple(row[i] for i in kept if i < len(row)) for row in rows]


def _read_whole(path: Path) -> None:
    data = path.read_bytes()
    suffix = path.suffix
    if suffix == ".json":
        json.loads(data)
    elif suffix == ".jsonl":
        for line in data.split(b"\n")[:-1]:
            json.loads(line or b"{}")
    elif suffix in (".keras", ".npz"):
        with zipfile.ZipFile(path) as archive:
            if broken := archive.testzip():
                raise ValueError(f"{broken} is damaged")
    elif suffix == ".npy":
        np.load(path, mmap_mode="r")
    elif suffix == ".parquet":
        pyarrow.parquet.read_table(path)
    elif suffix in (".jpg", ".png"):
        if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
            raise ValueError("cannot be decoded")
        if suffix == ".jpg" and not data.endswith(b"\xff\xd9"):
            raise ValueError("has no end")
    elif suffix in (".csv", ".md", ".svg", ".html") and not data.endswith(b"\n"):
        raise ValueError("has no end of its last line")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
