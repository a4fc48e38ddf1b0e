"""How photos are described, and how recall is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.adapt import Adapts
from placevec.config.beyond_one_vector import BeyondOneVector
from placevec.config.choices import Dtype, Engine, Precision
from placevec.config.limits import AtLeast, ImageSizeOrNone
from placevec.config.refusals import need_used, refuse, settle


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """What runs a model over photos."""

    model: Path | None = None
    """Model: tiny or small, which ship with placevec, a .keras file or an old .h5 file. None:
    small."""
    image_size: ImageSizeOrNone = None
    """Rows and columns that photos are resized to. None: the size that the model was trained on, or
    240 320 if it is unknown."""
    batch_size: Annotated[int | None, AtLeast(1)] = None
    """Photos in a batch. None: the best size for the engine, 8 with Keras."""
    engine: Engine = "auto"
    """What runs the model: openvino, onnx (ONNX Runtime), litert or keras. auto takes Keras if it
    has a GPU, otherwise the fastest installed engine that gives the same descriptors as Keras. All
    but keras read an export, which placevec makes once and keeps in your cache folder
    (PLACEVEC_CACHE names another)."""

    def __post_init__(self) -> None:
        settle(self)


@dataclass(frozen=True, kw_only=True)
class _EngineConfig(EngineConfig):
    precision: Precision = "float32"
    """Precision that the model computes in: float32 equals Keras to 1e-5, bf16 is faster on CPUs
    that support it, and int8 is coarser. placevec prints how much bf16 and int8 differ. `describe`
    fits int8 to the first photos that it describes, and keeps the result in the cache folder."""


@dataclass(frozen=True, kw_only=True)
class DescribeConfig(_EngineConfig):
    """How photos are turned into descriptors."""

    out: Path = Path("descriptors.npz")
    """File that ends in .npz, for names (N,), descriptors (N, D) float32 and the model's id; or a
    folder, which becomes a store. A store is written while placevec describes: the same command
    continues after a stop, and adds new photos."""
    overwrite: bool = False
    """Replace an earlier .npz file at `out`. If false, a file that exists is refused."""
    dtype: Dtype | None = None
    """Data type of the descriptors in a store; float16 halves their size. None: float32 in a new
    store, and the type of the store if it exists."""
    keep_features: bool = False
    """Also keep the local features of each photo in the store, in float16, so that `search --rerank
    features` does not compute them again. A store that has them keeps adding them."""
    ray_workers: Annotated[int, AtLeast(0)] = 0
    """Number of Ray processes that describe photos for a store, on this machine or on the cluster
    that RAY_ADDRESS names. 0: describe in this process."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dtype is not None and self.out.suffix == ".npz":
            refuse(self, "dtype", "left out with a .npz file, which holds float32")
        if self.overwrite and self.out.suffix != ".npz":
            refuse(self, "overwrite", "left out unless `out` ends in .npz: stores only grow")
        if self.keep_features and self.out.suffix == ".npz":
            refuse(self, "keep_features", "left out with a .npz file, which only holds descriptors")
        if self.keep_features and self.ray_workers:
            refuse(self, "keep_features", "left out with `ray_workers`, which keep no features")
        if self.ray_workers and self.out.suffix:
            refuse(self, "out", "a store (a folder without a file ending) with `ray_workers`")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Adapts, BeyondOneVector, _EngineConfig):
    """How recall is measured."""

    model: tuple[Path, ...] = ()
    """Models to compare on the same photos: tiny or small, which ship with placevec, a .keras file,
    an old .h5 file, or descriptors from other programs (.npz, .npy, hloc's .h5). Default: small."""
    out: Path | None = None
    """Folder for report.html, predictions.csv (20 answers of each query) and metrics.json. None:
    write nothing."""
    overwrite: bool = False
    """Replace an earlier report in `out`. If false, a folder that has files of these names is
    refused."""
    radius_m: Annotated[float, AtLeast(0)] = 25.0
    """A database photo is a right answer if it is within this distance of the query, in metres (in
    frames for a sequence)."""
    min_time_difference_s: Annotated[float | None, AtLeast(0)] = None
    """Ignore answers nearer in time to the query than this, in seconds. Use 30 for a single drive,
    since the frames just before and after the query prove nothing. None: only ignore answers with
    the same time, if a photo is both query and database."""
    max_heading_difference_deg: Annotated[float | None, AtLeast(0)] = None
    """An answer is wrong if its heading differs by more than this, in degrees. None: any heading is
    right."""
    one_answer_per_position: bool = False
    """Of the photos taken at one position, such as the views of a panorama, count only the most
    similar as an answer: the rule of Tokyo 24/7. Without positions: of the photos of one place."""
    wrong_beyond_m: Annotated[float | None, AtLeast(0)] = None
    """For precision, ignore answers between `radius_m` and this distance. None: all answers beyond
    `radius_m` are wrong."""
    cluster_maps: Annotated[int, AtLeast(0)] = 0
    """Pairs of photos for which the report shows where each cluster of a NetVLAD network looks:
    failures of the first model, the worst first. Loads that model in Keras."""
    skip_unreadable: bool = False
    """Skip photos that are missing or unreadable instead of stopping."""
    json: bool = False
    """Print JSON instead of a table."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_beyond_one_vector()
        need_used(self, "overwrite", self.out is not None, "`out` left out")
        if self.cluster_maps and self.out is None:
            raise ValueError(
                "`cluster_maps` has no effect without `out`. Received: "
                f"cluster_maps={self.cluster_maps}"
            )
