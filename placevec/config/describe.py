"""How photos are described, and how recall is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.adapt import Adapts
from placevec.config.beyond_one_vector import BeyondOneVector
from placevec.config.choices import Dtype, Engine, Precision
from placevec.config.limits import AtLeast, ImageSizeOrNone
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """What runs a model over photos."""

    model: Path | None = None
    """Model: tiny or small, which ship with placevec, a .keras file or an old .h5 file. None:
    small."""
    image_size: ImageSizeOrNone = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    where it does not say."""
    batch_size: Annotated[int | None, AtLeast(1)] = None
    """Photos in a batch. None: what suits the engine, 8 with Keras."""
    engine: Engine = "auto"
    """What runs the model: openvino, onnx (ONNX Runtime), litert or keras; auto: Keras where it has
    a GPU, else the fastest here of those that are installed and equal Keras. All but keras read an
    export, which is made once and kept in your cache folder (PLACEVEC_CACHE names another)."""

    def __post_init__(self) -> None:
        settle(self)


@dataclass(frozen=True, kw_only=True)
class _EngineConfig(EngineConfig):
    precision: Precision = "float32"
    """Numbers that the model computes with: float32 equals Keras to 1e-5; bf16 is faster on CPUs
    made for it, int8 is coarser, and what they cost is printed. `describe` fits int8 to the photos
    that it describes first, and keeps that in the cache folder."""


@dataclass(frozen=True, kw_only=True)
class DescribeConfig(_EngineConfig):
    """How photos are turned into descriptors."""

    out: Path = Path("descriptors.npz")
    """A file that ends in .npz for names (N,), descriptors (N, D) float32 and the model's id; or a
    folder, a store that photos are written to as they come: the same command goes on after a stop
    and adds what is new."""
    dtype: Dtype | None = None
    """Type of the numbers in a store; float16 takes half the bytes. None: float32 in a new store,
    and as it was begun in one that exists."""
    keep_features: bool = False
    """Keep the local features of each photo in the store as well, in float16, so that `search
    --rerank features` does not compute them again. A store that was begun with them goes on."""
    ray_workers: Annotated[int, AtLeast(0)] = 0
    """Processes of Ray that describe for a store, on this machine or on the cluster that
    RAY_ADDRESS names. 0: this process describes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dtype is not None and self.out.suffix == ".npz":
            refuse(self, "dtype", "left out with a .npz file, which holds float32")
        if self.keep_features and self.out.suffix == ".npz":
            refuse(
                self, "keep_features", "left out with a .npz file, which holds descriptors alone"
            )
        if self.keep_features and self.ray_workers:
            refuse(self, "keep_features", "left out with `ray_workers`, which describe without")
        if self.ray_workers and self.out.suffix:
            refuse(self, "out", "a store, a folder without an ending, with `ray_workers`")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Adapts, BeyondOneVector, _EngineConfig):
    """How recall is measured."""

    model: tuple[Path, ...] = ()
    """Models, measured side by side on the same photos: tiny or small, which ship with placevec, a
    .keras file, an old .h5 file, or descriptors that other programs made (.npz, .npy, hloc's .h5).
    None named: small."""
    out: Path | None = None
    """Folder for report.html, predictions.csv and metrics.json. None: nothing is written."""
    radius_m: Annotated[float, AtLeast(0)] = 25.0
    """A database photo within this distance of the query is a right answer, in metres (in frames
    for a sequence)."""
    min_time_difference_s: Annotated[float | None, AtLeast(0)] = None
    """Photos nearer in time to the query are no answers, in seconds: 30 for one drive, where the
    frames before and after say nothing. None: only those of the very same time, where a photo is
    query and database at once."""
    max_heading_difference_deg: Annotated[float | None, AtLeast(0)] = None
    """An answer that looks in another direction by more than this is wrong. None: any may do."""
    one_answer_per_position: bool = False
    """Of the photos taken at one position, such as the views of a panorama, only the most similar
    is an answer: the rule of Tokyo 24/7. Without positions: of the photos of one place."""
    wrong_beyond_m: Annotated[float | None, AtLeast(0)] = None
    """In precision, answers between `radius_m` and this count neither way. None: all beyond
    `radius_m` are wrong."""
    cluster_maps: Annotated[int, AtLeast(0)] = 0
    """Pairs of photos for which the report shows where each cluster of a NetVLAD network looks:
    failures of the first model, the worst first. Loads that model in Keras."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    json: bool = False
    """Print JSON instead of a table."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_beyond_one_vector()
        if self.cluster_maps and self.out is None:
            raise ValueError(
                "`cluster_maps` has no effect without `out`. Received: "
                f"cluster_maps={self.cluster_maps}"
            )
