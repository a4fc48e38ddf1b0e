"""Completes a file that a library wrote: adds names and facts, and keeps one output."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_OUTPUT = "descriptors"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a program must know to feed the file.

    Args:
        image_size: (int, int). Rows and columns that the network computes at.
        takes_any_size: bool. Whether the file takes photos of other sizes.
        channels: int. `C`.
        resizes_inside: bool. Whether the file resizes photos itself.
        dimensions: int. `D`.
        model_id: str. See the function `model_id`.
    """

    image_size: tuple[int, int]
    takes_any_size: bool
    channels: int
    resizes_inside: bool
    dimensions: int
    model_id: str

    def by_name(self) -> dict[str, str]:
        """Returns the facts that are written into a file, as text."""
        return {
            "image_size": "x".join(map(str, self.image_size)),
            "channels": str(self.channels),
            "color_order": "RGB" if self.channels == 3 else "gray",
            "pixels": "uint8, 0 to 255",
            "resizes_inside": str(self.resizes_inside).lower(),
            "dimensions": str(self.dimensions),
            "model_id": self.model_id,
        }


def _finish_onnx(path: Path, facts: Facts, precision: str) -> None:
    import onnx  # pyright: ignore[reportMissingImports]  # of an extra

    from placevec.deploy.onnx_model import store_in_float16, write_padding

    model = onnx.load(path)
    write_padding(model)
    graph = model.graph
    del graph.output[1:]  # local features of a network that ships with placevec
    old = graph.output[0].name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [_OUTPUT if name == old else name for name in names]
    graph.output[0].name = _OUTPUT
    axes = (("batch", "rows", "columns", "channels"), ("batch", "dimensions"))
    for value, names in zip((graph.input[0], graph.output[0]), axes, strict=True):
        for axis, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
            if not axis.HasField("dim_value"):
                axis.dim_param = name
    for key, text in facts.by_name().items():
        model.metadata_props.add(key=key, value=text)
    if precision == "float16":
        store_in_float16(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _finish_openvino(path: Path, facts: Facts, precision: str) -> None:
    from placevec.models.engines.runtimes.openvino_engine import import_openvino

    openvino = import_openvino()
    network = openvino.Core().read_model(path)
    # Besides the descriptors, the exporter leaves an output of type int32.
    found = next(each for each in network.outputs if each.get_partial_shape().rank == 2)
    source = found.get_node().input_value(0)
    source.get_tensor().set_names({_OUTPUT})
    kept = openvino.Model([source], network.get_parameters(), "placevec")
    for key, text in facts.by_name().items():
        kept.set_rt_info(text, ["placevec", key])
    written = path.with_name(f"finished-{path.name}")
    openvino.save_model(kept, written, compress_to_fp16=precision == "float16")
    del network, kept  # They hold the files open (memory-mapped).
    for suffix in (".xml", ".bin"):
        written.with_suffix(suffix).replace(path.with_suffix(suffix))


FINISHERS: dict[str, Callable[[Path, Facts, str], None]] = {
    "onnx": _finish_onnx,
    "openvino": _finish_openvino,
}
"""Key of `ENGINES` -> function that completes its file. Other formats cannot hold facts."""
