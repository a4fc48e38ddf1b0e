"""How a network is written for other programs."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config.choices import EXPORTS, ExportFormat, ExportPrecision, choose
from placevec.config.limits import ImageSizeOrNone
from placevec.config.refusals import need_used, refuse, settle


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """How a network is exported for other programs."""

    format: ExportFormat = "onnx"
    """Format: onnx (ONNX Runtime, C++), openvino, litert (TensorFlow Lite), savedmodel
    (TensorFlow), or rtabmap (ONNX and the Python file that RTAB-Map calls)."""
    out: Path = Path("exported")
    """Folder for the file and its card. It is created if it is missing."""
    overwrite: bool = False
    """Replace the file and the card of an earlier export in `out`. If false, a folder that has
    files of these names is refused."""
    image_size: ImageSizeOrNone = None
    """The only rows and columns that the file accepts. None: any size, if the model accepts any."""
    precision: ExportPrecision = "float32"
    """float16 stores weights in 16 bits, which halves the file (onnx, openvino, rtabmap). int8
    computes the backbone in 8 bits, which is coarser (openvino)."""
    calibration: str | None = None
    """Photos to fit int8 to, preferably those of the training: a folder, or READER:PATH."""
    places: str | None = None
    """Photos with positions, to measure recall@1 of Keras and of the file: a folder, or
    READER:PATH. None: do not measure recall."""
    resize_inside: bool = False
    """Accept photos of any size and resize them inside the file, as placevec does."""

    def __post_init__(self) -> None:
        settle(self)
        able = choose(EXPORTS, self.format, "format").precisions
        if self.precision not in able:
            refuse(self, "precision", f"{' or '.join(able)} for {self.format}")
        if self.precision == "int8" and self.calibration is None:
            refuse(self, "calibration", "photos with int8, preferably those of the training")
        need_used(self, "calibration", self.precision == "int8", f"precision={self.precision}")
        if self.resize_inside and self.image_size is not None:
            raise ValueError(
                "With `resize_inside` the file takes photos of any size: leave out `image_size`. "
                f"Received: image_size={self.image_size}"
            )
