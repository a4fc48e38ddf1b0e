"""Rebuilds a network that ships with placevec from ImageNet weights.

    python -m placevec.networks.build tiny --weights FILE
    python -m placevec.networks.build small --weights FILE

The files replace those in the package; the same weights give the same bytes on one machine. The
clusters and the partial whitening are fitted on photos of the synthetic town, so a network only
depends on these photos and on those of ImageNet. `python -m placevec.networks.build photos` draws
the photos of `placevec demo` again. `cards` writes the ONNX files and the cards again from the
existing networks, for example after a new measurement.
"""

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import tyro

from placevec.config import TownRenderConfig
from placevec.config.choices import choose
from placevec.config.networks import NETWORK_WHITEN_RANK, NETWORKS
from placevec.kinds import MODEL_FILE, NETWORKS_FOLDER
from placevec.models import build_descriptor_model, load_model
from placevec.models.engines.check import check_photos
from placevec.models.engines.runtimes.keras_engine import wrap
from placevec.models.files.shipped import CARD_FILE, CHECK_FILE, ONNX_FILE
from placevec.networks.cards import write_card
from placevec.networks.keras_file import write_arrays, write_keras
from placevec.networks.photos import draw_photos
from placevec.rendering import render
from placevec.sources import open_places
from placevec.training import clusters_from_photos, whiten

_TOWN = TownRenderConfig(num_streets=4, num_validation_streets=1, points=False)
_AUGMENTATION = "light"
_WHITEN_PHOTOS = 320
_SEED = 0


def build(
    name: str,
    weights: Path | str = "imagenet",
    *,
    out: Path = NETWORKS_FOLDER,
    town: TownRenderConfig = _TOWN,
) -> Path:
    """Builds a network: ImageNet weights, then clusters and partial whitening.

    Args:
        name: str. A name in `NETWORKS`.
        weights: Path or str. A weights file, or `"imagenet"`, see `ModelConfig`.
        out: Path. Folder to create the network's folder in.
        town: TownRenderConfig. The synthetic town that the network is fitted on.

    Returns:
        Path of the network's folder, with the model, its ONNX file, check descriptors and card.

    Raises:
        ImportError: If the extra `onnx` is not installed.
        ValueError: If `name` is unknown, or the weights do not fit.
        FileNotFoundError: If the weights file does not exist.
    """
    keras.utils.set_random_seed(_SEED)
    settings = dataclasses.replace(choose(NETWORKS, name, "name"), weights=str(weights))
    model = build_descriptor_model(settings, town.image_size)
    with tempfile.TemporaryDirectory() as folder:
        render("town", dataclasses.replace(town, out=Path(folder, "town")))
        photos = open_places(f"folder:{folder}/town/train")
        clusters_from_photos(model, photos.paths(), image_size=town.image_size, seed=_SEED)
        model = whiten(
            model,
            photos,
            rank=NETWORK_WHITEN_RANK,
            augmentation=_AUGMENTATION,
            max_photos=_WHITEN_PHOTOS,
            image_size=town.image_size,
            seed=_SEED,
        )
    round_matrices(model)
    home = Path(out) / name
    home.mkdir(parents=True, exist_ok=True)
    write_keras(model, home / MODEL_FILE)
    checked, run = check_photos(town.image_size, model.input_shape[-1]), wrap(model, "float32")
    expected = np.concatenate([run(photo[None]) for photo in checked])
    write_arrays(home / CHECK_FILE, {"{}x{}".format(*town.image_size): expected})
    is_file = str(weights) != "imagenet"
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest() if is_file else None
    _write_onnx_and_card(name, model, home, digest)
    return home


def write_again(name: str, *, out: Path = NETWORKS_FOLDER) -> Path:
    """Writes the ONNX file and the card of a network again; the network stays as it is.

    Args:
        name: str. A name in `NETWORKS`.
        out: Path. Folder that contains the network's folder.

    Returns:
        Path of the network's folder.

    Raises:
        ImportError: If the extra `onnx` is not installed.
        ValueError: If `name` is unknown.
        FileNotFoundError: If its model or its card is missing.
    """
    choose(NETWORKS, name, "name")
    home = Path(out) / name
    card = json.loads((home / CARD_FILE).read_text(encoding="utf-8"))
    _write_onnx_and_card(name, load_model(home / MODEL_FILE), home, card["weights_sha256"])
    return home


def _write_onnx_and_card(name: str, model: keras.Model, home: Path, digest: str | None) -> None:
    from placevec.networks.onnx_file import write_onnx  # needs the extra `onnx`

    write_onnx(model, home / ONNX_FILE)
    write_card(name, model, home, weights_sha256=digest)


def round_matrices(model: keras.Model) -> None:
    """Rounds all kernels and other matrices of a model to float16; vectors stay as they are."""
    for weight in model.weights:
        if len(weight.shape) > 1:
            values = keras.ops.convert_to_numpy(weight)
            weight.assign(values.astype(np.float16).astype(np.float32))


def main(what: str, /, weights: Path | None = None, out: Path = NETWORKS_FOLDER) -> None:
    """Rebuilds a network, the photos, or the ONNX files and cards.

    Args:
        what: tiny, small, photos, or cards.
        weights: The weights file of ImageNet. None: Keras downloads those of tiny, and those of
            small are taken from the network as it is.
        out: Folder to create the network's folder in.
    """
    if what == "photos":
        print(draw_photos(out / "photos"))
    elif what == "cards":
        for name in NETWORKS:
            print(write_again(name, out=out))
    else:
        print(build(what, weights or "imagenet", out=out))


if __name__ == "__main__":
    tyro.cli(main)
