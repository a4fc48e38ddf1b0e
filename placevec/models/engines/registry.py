"""The engines by the names that settings know them by."""

import difflib
import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class EngineKind:
    """One row of the table of engines.

    The file `home` has `export(model, folder)`, which writes what the library reads, and
    `load(folder, precision, threads, calls)`, which returns a function from `(B, H, W, C)` uint8
    to `(B, D)`; several threads may call it.

    Args:
        home: str. The file of this room that knows the library.
        needs: tuple of str. Packages that run an export.
        exporters: tuple of str. Packages that make one, beside those.
        quantizers: tuple of str. Packages that make one in int8 of it, beside those that run it.
        extra: str. The extra of this package that installs them all.
        precisions: tuple of str. What it can compute in.
        batch_size: int. Photos in a call at which it is fastest.
    """

    home: str
    needs: tuple[str, ...]
    exporters: tuple[str, ...]
    quantizers: tuple[str, ...]
    extra: str
    precisions: tuple[str, ...]
    batch_size: int

    def missing(self, exporting: bool) -> list[str]:
        """Returns the packages that are not installed."""
        packages = self.needs + (self.exporters if exporting else ())
        return [name for name in packages if not _is_installed(name)]

    def missing_quantizers(self) -> list[str]:
        """Returns the packages that make an export in int8 and are not installed."""
        return [name for name in self.quantizers if not _is_installed(name)]

    def module(self) -> ModuleType:
        """Imports the file that knows the library."""
        return importlib.import_module(f"placevec.models.engines.{self.home}")


KERAS = "keras"
"""The engine that runs everything and needs no export."""

ENGINES: dict[str, EngineKind] = {
    "openvino": EngineKind(
        home="openvino_engine",
        needs=("openvino",),
        exporters=("tensorflow",),
        quantizers=("nncf",),
        extra="fast",
        precisions=("float32", "bf16", "int8"),
        batch_size=4,
    ),
    "onnx": EngineKind(
        home="onnx_engine",
        needs=("onnxruntime",),
        exporters=("tensorflow", "tf2onnx"),
        quantizers=(),
        extra="onnx",
        precisions=("float32",),
        batch_size=4,
    ),
    "litert": EngineKind(
        home="litert_engine",
        needs=("ai_edge_litert",),
        exporters=("tensorflow",),
        quantizers=(),
        extra="litert",
        precisions=("float32",),
        batch_size=4,
    ),
    KERAS: EngineKind(
        home="keras_engine",
        needs=(),
        exporters=(),
        quantizers=(),
        extra="",
        precisions=("float32", "bf16"),
        batch_size=8,
    ),
}


def get_engine_kind(name: str) -> EngineKind:
    """Returns the row of an engine.

    Args:
        name: str. A key of `ENGINES`.

    Raises:
        ValueError: If there is no engine of that name.

    Example:
    >>> get_engine_kind("keras").precisions
    ('float32', 'bf16')
    """
    if name not in ENGINES:
        near = difflib.get_close_matches(name, ENGINES, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"There is no such engine. Received: engine={name!r}. {hint}Known: auto, "
            f"{', '.join(ENGINES)}"
        )
    return ENGINES[name]


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
