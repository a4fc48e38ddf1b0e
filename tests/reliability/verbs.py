"""The verbs that write, each with a small input, what it leaves, and how it goes on."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from placevec.store import DescriptorStore, StoreWriter
from tests.collecting.conftest import KEY, SECRET, FakeServer
from tests.training.conftest import write_places

_MODEL = ["--model.cut-layer", "block_1_project_BN", "--model.num-clusters", "4"]
_TRAIN = [
    "train", "folder:train", "--validation", "folder:val", "--out", "run",
    *_MODEL, "--image-size", "32", "48", "--loss", "allpair_hinge", "--learning-rate", "1e-3",
    "--num-positives", "1", "--num-negatives", "2", "--batch-size", "2", "--steps-per-epoch", "2",
    "--epochs", "2", "--validate-every", "1",
]  # fmt: skip
_KERAS = ["--model", "model.keras", "--engine", "keras", "--batch-size", "4"]
_RENDER = ["render", "town", "--num-streets", "1", "--num-validation-streets", "1",
           "--places-per-street", "2", "--image-size", "32", "48", "--out", "town"]  # fmt: skip


def _same(_: Path, arguments: list[str]) -> list[str]:
    return arguments


def _resumed(root: Path, arguments: list[str]) -> list[str]:
    is_begun = (root / "run" / "config.json").exists()
    return [*arguments, "--resume"] if is_begun else arguments


def _still_there(root: Path, arguments: list[str]) -> list[str]:
    """Leaves out the names that a store no longer has: removing them once more is refused."""
    store = DescriptorStore.open(root / "store")
    there = set(store.table().name)
    return [each for each in arguments if not each.endswith(".jpg") or each in there]


class Verb(NamedTuple):
    """A command that writes.

    Args:
        arguments: list of str. In the folder that `write_inputs` fills.
        goes_on: callable. Gets that folder and the arguments; returns those that go on after a
            kill.
        grows: tuple of str. Earlier files and folders that the command changes step by step; all
            others are what they were, or what they are at the end, at any moment.
    """

    arguments: list[str]
    goes_on: Callable[[Path, list[str]], list[str]] = _same
    grows: tuple[str, ...] = ()


def verbs(server_url: str) -> dict[str, Verb]:
    """Returns the commands by name.

    Args:
        server_url: str. Where a `FakeServer` answers.
    """
    return {
        "train": Verb(_TRAIN, _resumed),
        "train-mining": Verb(
            [*_TRAIN, "--mining", "partial", "--mining-pool", "12", "--whiten-dim", "4",
             "--workers", "processes", "--augmentation", "light"], _resumed),
        "describe": Verb(
            ["describe", "folder:train", *_KERAS, "--out", "old.npz", "--overwrite"]),
        "describe-store": Verb(
            ["describe", "folder:train", *_KERAS, "--out", "begun"], grows=("begun",)),
        "describe-features": Verb(
            ["describe", "folder:train", *_KERAS, "--keep-features", "--out", "with_features"]),
        "describe-engine": Verb(["describe", "folder:val", "--model", "model.keras", "--engine",
                                 "openvino", "--out", "val.npz", "--overwrite"], grows=("cache",)),
        "index": Verb(["index", "store", "--kind", "sq8"], grows=("store",)),
        "remove": Verb(["remove", "store", "@5000.00@0.00@@@@@0@.jpg", "@5050.00@0.00@@@@@0@.jpg",
                        "--compact"], _still_there, ("store",)),
        "split": Verb(["split", "folder:train", "--buffer-m", "10", "--seed", "1",
                       "--duplicate-bits", "None", "--overwrite"]),
        "whiten": Verb(["whiten", "model.keras", "--places", "folder:train", "--dim", "6",
                        "--out", "whitened.keras", "--overwrite"]),
        "crop": Verb(["crop", "whitened.keras", "--dim", "3", "--out", "cropped.keras",
                      "--overwrite"]),
        "collect": Verb(
            ["collect", "streetview", "--points", "points.csv", "--out", "collected",
             "--base-url", server_url, "--image-size", "48", "64", "--requests-per-second", "1000",
             "--threads", "2"]),
        "render": Verb(_RENDER),
        "render-workers": Verb([*_RENDER, "--num-workers", "2", "--depth"]),
        "check": Verb(["check", "folder:train", "--out", "check.html", "--overwrite"]),
        "evaluate": Verb(["evaluate", "folder:train", *_KERAS, "--out", "report", "--overwrite"]),
        "loops": Verb(["loops", "folder:train", *_KERAS, "--threshold", "0.01", "--out", "loops",
                       "--overwrite"]),
        "group": Verb(["group", "folder:train", *_KERAS, "--threshold", "0.01", "--out", "groups",
                       "--overwrite"]),
        "export": Verb(["export", "model.keras", "--format", "openvino", "--out", "exported",
                        "--overwrite"]),
        "search": Verb(["search", "store", "val", "--model", "model.keras", "--matches", "2",
                        "--out", "found.jpg", "--overwrite"], grows=("store",)),
    }  # fmt: skip


def write_inputs(root: Path, run: Callable[[list[str]], None]) -> None:
    """Fills a folder with photos, a model, stores and older results of the verbs.

    Args:
        root: Path. An empty folder.
        run: callable. Runs the command line there.
    """
    write_places(root / "train", num_places=8, visits=3, seed=1)
    write_places(root / "val", num_places=6, visits=3, seed=2, east=5000.0)
    lines = ["52.0,4.0", "52.0001,4.0", "52.0009,4.0", "52.0018,4.0"]
    (root / "points.csv").write_text("\n".join(["lat,lon", *lines, ""]))
    run([*_TRAIN, "--out", "made", "--epochs", "1"])
    os.rename(root / "made" / "model.keras", root / "model.keras")
    run(["whiten", "model.keras", "--places", "folder:val", "--dim", "5", "--out",
         "whitened.keras"])  # fmt: skip
    run(["crop", "whitened.keras", "--dim", "2", "--out", "cropped.keras"])
    run(["describe", "folder:val", *_KERAS, "--out", "old.npz"])
    run(["describe", "folder:train", *_KERAS, "--out", "begun"])
    with StoreWriter.open(root / "begun") as store:  # some of the photos are to be described
        store.remove(store.table().name[3:20])
    run(["describe", "folder:val", *_KERAS, "--out", "store"])
    run(["index", "store", "--kind", "hnsw"])
    run(["split", "folder:train", "--buffer-m", "10", "--duplicate-bits", "None"])


@contextlib.contextmanager
def fake_street_view() -> Iterator[str]:
    """Answers as Street View does, in a process of its own; yields the address."""
    os.environ["GOOGLE_MAPS_API_KEY"], os.environ["GOOGLE_MAPS_SIGNING_SECRET"] = KEY, SECRET
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            server = _panoramas(FakeServer())
            os.write(writer, server.url.encode())
            os.close(writer)
            threading.Thread(target=_end_with_the_parent, args=[os.getppid()], daemon=True).start()
            server.serve_forever()
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        url = pipe.read()
    try:
        yield url
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def _panoramas(server: FakeServer) -> FakeServer:
    for i, month in enumerate(("2019-05", "2021-11", "2023-02")):
        pano_id = f"pano_{'ABC'[i]}"
        server.panoramas[pano_id] = {
            "status": "OK", "pano_id": pano_id, "date": month, "copyright": "© Google",
            "location": {"lat": 52.0 + i * 0.0009, "lng": 4.0},
        }  # fmt: skip
    return server


def _end_with_the_parent(parent: int) -> None:
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(1.0)
    os._exit(0)
