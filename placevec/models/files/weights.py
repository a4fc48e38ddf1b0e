"""Loads weights of a network from a file, and matches them by the names of layers."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npz
from placevec.counted import counted
from placevec.models.backbones.efficientnet_lite import from_pytorch_names
from placevec.models.files.hdf5 import MAX_WEIGHTS_BYTES, open_hdf5
from placevec.models.files.keras_file import load_keras

# Name of the layer that turns local features into a descriptor, in every descriptor model.
AGGREGATOR = "aggregator"
# Name of the learned linear projection after it.
PROJECTION = "projection"
# Name under which the trained clusters of a cartwheel file are kept, in the form of `NetVLAD`.
OLD_CLUSTERS = "old_clusters"

_log = logging.getLogger(__name__)

# Names of weights in Keras 2 that Keras 3 changed.
_RENAMED = {"depthwise_kernel": "kernel"}
# A layer with this name shows that a file is from the PyTorch port of EfficientNet-Lite.
_PYTORCH_STEM = "conv_stem"


def read_weights(path: Path) -> dict[str, dict[str, NDArray[np.generic]]]:
    """Reads the arrays of a weights file.

    Args:
        path: Path. A `.npz` with keys `layer/weight`, a Keras 2 `.h5` (whole model or weights
            only) or a `.keras` model. The keys of EfficientNet-Lite may also be those of its
            PyTorch port, such as `blocks/10/_bn2/running_var`.

    Returns:
        dict of layer name -> dict of weight name -> array. Weight names are those of Keras 3,
        such as `kernel`, `bias`, `gamma`, `moving_mean`, or `query.kernel` in a nested layer. The
        clusters of a cartwheel file are also kept as the layer `old_clusters`.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is not a weights file, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no weights file {path}. Name a .npz, .h5 or .keras file, imagenet, or none "
            "for random weights"
        )
    readers = {".npz": _read_npz, ".h5": _read_h5, ".keras": _read_keras}
    if path.suffix not in readers:
        raise ValueError(f"A weights file must end in {', '.join(readers)}. Received: {path.name}")
    try:
        layers = readers[path.suffix](path)
    except Exception as error:  # h5py, NumPy and Keras raise anything for a damaged file
        raise ValueError(f"{path} cannot be read as weights ({_first_line(error)})") from error
    if not layers:
        raise ValueError(f"{path} holds no weights by layer name")
    return layers


def load_weights(
    model: keras.Model, path: Path, *, allow_missing: bool = False, old_clusters: bool = False
) -> set[str]:
    """Copies the weights of a file into the layers with the same names.

    Layers of the file that the model does not have are ignored: a file may hold a longer network.

    Args:
        model: keras.Model. Changed in place, completely or not at all.
        path: Path. See `read_weights`.
        allow_missing: bool. Accept that the file does not have some of the backbone's layers.
        old_clusters: bool. Use the trained clusters of a cartwheel file in the aggregator.

    Returns:
        set of str. Names of the layers that got weights.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If layers are missing in the file and `allow_missing` is false, if none match,
            if shapes differ, if a weight is not numeric or not finite, or if `old_clusters` is true
            and the file has none.
    """
    arrays = read_weights(path)
    if old_clusters:
        if OLD_CLUSTERS not in arrays:
            raise ValueError(
                f"{path} must be an .h5 file of the cartwheel scripts, whose trained clusters are "
                "kept. Received: one without"
            )
        arrays[AGGREGATOR] = arrays.pop(OLD_CLUSTERS)
    found, missing, assignments = [], [], []
    for layer in model.layers:
        if not layer.weights:
            continue
        stored = arrays.get(layer.name, {})
        wanted = _by_name(layer)
        if not wanted.keys() <= stored.keys():
            missing.append(layer.name)
            continue
        for name, variable in wanted.items():
            if tuple(variable.shape) != stored[name].shape:
                raise ValueError(
                    f"`{layer.name}/{name}` must have shape {tuple(variable.shape)}. "
                    f"Received: {stored[name].shape} in {path}"
                )
            assignments.append((variable, _numbers(stored[name], f"{layer.name}/{name}", path)))
        found.append(layer.name)
    # Only the backbone must be in the file: the other layers start from the training photos.
    backbone_missing = [name for name in missing if name not in (AGGREGATOR, PROJECTION)]
    if not found or (backbone_missing and not allow_missing):
        raise ValueError(
            f"{len(backbone_missing)} of {counted(len(found) + len(missing), 'layer')} "
            f"{'is' if len(backbone_missing) == 1 else 'are'} missing in {path}: "
            f"{', '.join(backbone_missing)}. Allow it with `--model.allow-missing-weights`"
            if found
            else f"{path} holds none of the network's layers; it holds {_some(arrays)}"
        )
    for variable, values in assignments:
        variable.assign(values)
    _log.info(
        "loaded the weights of %s from %s; not used: %d of its layers",
        counted(len(found), "layer"), path, len(arrays) - len(found),
    )  # fmt: skip
    if AGGREGATOR in missing and OLD_CLUSTERS in arrays:
        _log.warning(
            "the trained clusters of %s are left out, and new ones start from your photos; "
            "`--model.keep-old-clusters` keeps them", path,
        )  # fmt: skip
    elif AGGREGATOR in missing:
        _log.info("%s has no weights of an aggregator, so a new one is trained", path)
    if backbone_missing:
        _log.warning("these layers keep random weights: %s", ", ".join(backbone_missing))
    return set(found)


def _numbers(array: NDArray[np.generic], name: str, path: Path) -> NDArray[np.float32]:
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite numbers. Received: others in {path}")
    return array.astype(np.float32)


def _some(names: Mapping) -> str:
    return ", ".join(list(names)[:5]) + (", ..." if len(names) > 5 else "")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _read_npz(path: Path) -> dict[str, dict[str, NDArray[np.generic]]]:
    layers: dict[str, dict[str, NDArray[np.generic]]] = {}
    for key, array in read_npz(path, max_bytes=MAX_WEIGHTS_BYTES).items():
        layer, _, name = key.rpartition("/")
        layers.setdefault(layer, {})[name] = array
    return from_pytorch_names(layers) if _PYTORCH_STEM in layers else layers


def _read_h5(path: Path) -> dict[str, dict[str, NDArray[np.generic]]]:
    layers: dict[str, dict[str, NDArray[np.generic]]] = {}
    with open_hdf5(path) as file:
        groups = file["model_weights"] if "model_weights" in file else file
        for layer, group in groups.items():
            if not isinstance(group, h5py.Group):
                continue

            def keep(name: str, item: h5py.Dataset | h5py.Group, layer: str = layer) -> None:
                if isinstance(item, h5py.Dataset):
                    weight = name.rpartition("/")[2].partition(":")[0]
                    weight = _RENAMED.get(weight, weight)
                    layers.setdefault(layer, {})[weight] = item[()]

            group.visititems(keep)
    old = next((each for each in layers.values() if "cluster_centers" in each), None)
    if old is not None:
        _turn_first_kernel(layers)
        layers[OLD_CLUSTERS] = _as_netvlad(old)
    return layers


def _as_netvlad(old: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Converts the weights of an old NetVLADLayer to those of `NetVLAD`.

    Args:
        old: dict of `kernel` (1, 1, D, K), `bias` (K,) and `cluster_centers` (1, 1, 1, D, K). The
            centers are stored negated.
    """
    shape = old["kernel"].shape[-2:]
    return {
        "kernel": old["kernel"].reshape(shape),
        "bias": old["bias"].reshape(shape[1:]),
        "centers": np.negative(old["cluster_centers"]).reshape(shape).T,
    }


def _turn_first_kernel(layers: dict[str, dict[str, NDArray[np.generic]]]) -> None:
    """Makes a network of the cartwheel scripts, which took BGR photos, take RGB photos."""
    for name in ("Conv1", "conv1"):
        kernel = layers.get(name, {}).get("kernel")
        if kernel is not None and kernel.ndim == 4 and kernel.shape[2] == 3:
            layers[name]["kernel"] = kernel[:, :, ::-1]


def _read_keras(path: Path) -> dict[str, dict[str, NDArray[np.generic]]]:
    return dict(_layers_of(load_keras(path)))


def _layers_of(model: keras.Model) -> Iterator[tuple[str, dict[str, NDArray[np.generic]]]]:
    """Yields the name and arrays of each layer with weights, also inside nested models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_of(layer)
        elif layer.weights:
            arrays = {
                name: keras.ops.convert_to_numpy(each) for name, each in _by_name(layer).items()
            }
            yield layer.name, arrays


def _by_name(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns a layer's weights by name, or by `part.name` if parts of the layer share names."""
    names = [each.name for each in layer.weights]
    if len(set(names)) < len(names):
        inside = [each.path.rpartition(f"{layer.name}/")[2] for each in layer.weights]
        names = [name.replace("/", ".") for name in inside]
    return dict(zip(names, layer.weights, strict=True))
