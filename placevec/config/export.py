"""How a network is written for other programs."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config.choices import EXPORTS, ExportFormat, choose
from placevec.config.limits import ImageSizeOrNone
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How a network is exported for other programs."""

    format: ExportFormat = "onnx"
    """Format: onnx (ONNX Runtime, C++), openvino, litert (TensorFlow Lite), savedmodel
    (TensorFlow), or rtabmap (ONNX and the Python file that RTAB-Map calls)."""
    out: Path = Path("exported")
    """Folder for the file and its card. It is created if it is missing."""
    image_size: ImageSizeOrNone = None
    """The only rows and columns that the file accepts. None: any size, if the model accepts any."""
    float16: bool = False
    """Store weights in 16 bits, which halves the file. Only for openvino."""
    resize_inside: bool = False
    """Accept photos of any size and resize them inside the file, as placevec does."""

    def __post_init__(self) -> None:
        settle(self)
        if self.float16 and not choose(EXPORTS, self.format, "format").float16:
            able = ", ".join(name for name, row in EXPORTS.items() if row.float16)
            refuse(self, "float16", f"left out for {self.format}; {able} can")
        if self.resize_inside and self.image_size is not None:
            raise ValueError(
                "With `resize_inside` the file takes photos of any size. Received: also "
                f"image_size={self.image_size}"
            )
