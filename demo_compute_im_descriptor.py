"""Computes the descriptor of each photo in a folder and writes them to one file.

Edit the constants and run it, or override them with a folder and flags:

    python demo_compute_im_descriptor.py my_photos --model runs/town/model.keras --out vectors.npz
"""

from pathlib import Path

from placevec.cli import one_line_errors, run_describe
from placevec.config import DescribeConfig

PHOTOS = "data/town/val"  # a folder of photos, or READER:PATH
MODEL = "runs/town/model.keras"  # a .keras file, or an old .h5 file
OUT = "descriptors.npz"  # names (N,), descriptors (N, D) float32, model_id
IMAGE_SIZE = None  # rows, columns; None: as in the training of the model
BATCH_SIZE = None  # photos per batch; None: chosen for the engine
ENGINE = "auto"  # openvino, onnx, litert, keras; auto: the fastest that is installed
PRECISION = "float32"  # bf16 is faster on CPUs that support it; int8 is less exact


def config() -> DescribeConfig:
    """Returns the constants above as settings."""
    return DescribeConfig(
        model=Path(MODEL),
        out=Path(OUT),
        image_size=IMAGE_SIZE,
        batch_size=BATCH_SIZE,
        engine=ENGINE,
        precision=PRECISION,
    )


if __name__ == "__main__":
    with one_line_errors():
        run_describe(PHOTOS, config())
