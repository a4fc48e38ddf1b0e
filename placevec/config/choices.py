"""What settings choose from: one table per setting, one row per choice.

Flags, errors and registries are made from these tables. A row names the code of its choice as the
text `MODULE:NAME`, and `Choice.find` imports it. This file imports only the standard library.
"""

import difflib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One row of a table of choices.

    Args:
        home: str. `MODULE:NAME` of the class or function behind the choice, or `MODULE`. Empty if
            code that is always loaded knows the choice by its name.
        arguments: mapping. The setting that each argument of `home` comes from. An argument whose
            setting is None is left out, so that its own default holds.
        constants: mapping. The values of further arguments.
        settings: tuple of str. Further settings that only apply to the choices that name them.
    """

    home: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()

    def takes(self, setting: str) -> bool:
        """Returns whether a setting applies to this choice."""
        return setting in self.settings or setting in self.arguments.values()

    def find(self) -> Any:
        """Imports and returns the class, function or module behind the choice."""
        path, _, name = self.home.partition(":")
        module = importlib.import_module(path)
        return getattr(module, name) if name else module

    def arguments_from(self, *configs: Any) -> dict[str, Any]:
        """Returns the arguments to call the result of `find` with.

        Args:
            *configs: dataclass instances, one of which holds each setting of `arguments`.
        """
        values = {
            name: next(getattr(each, setting) for each in configs if hasattr(each, setting))
            for name, setting in self.arguments.items()
        }
        given = {name: value for name, value in values.items() if value is not None}
        return {**self.constants, **given}


Row = TypeVar("Row")


def choose(table: Mapping[str, Row], name: str, setting: str) -> Row:
    """Returns the row with a name.

    Args:
        table: mapping. One of the tables of this file.
        name: str. A key of it.
        setting: str. What the error calls the choice, such as `"loss"`.

    Raises:
        ValueError: If the table has no such row. The error names all rows and the most similar one.

    Example:
    >>> choose(LOSSES, "circle", "loss").needs_negatives
    False
    """
    if name not in table:
        near = difflib.get_close_matches(str(name), table, n=1)
        hint = f". Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"`{setting}` must be one of {', '.join(table)}. Received: {setting}={name!r}{hint}"
        )
    return table[name]


def users_of(table: Mapping[str, Choice], setting: str) -> list[str]:
    """Returns the names of the choices that a setting applies to."""
    return [name for name, row in table.items() if row.takes(setting)]


@dataclass(frozen=True, kw_only=True)
class LossChoice(Choice):
    """One row of the table of losses.

    Args:
        needs_negatives: bool. Whether each tuple needs negatives; otherwise the photos of the other
            tuples of a batch are enough.
    """

    needs_negatives: bool = True


_TUPLE_LOSS = {"margin": "margin"}
_PAIR_LOSS = {"margin": "margin", "negative_radius_m": "pair_radius_m"}

LOSSES = {
    "allpair_hinge": LossChoice(
        home="placevec.losses.all_pair_hinge:AllPairHingeLoss", arguments=_TUPLE_LOSS
    ),
    "allpair_hinge_deviation": LossChoice(
        home="placevec.losses.all_pair_hinge_deviation:AllPairHingeDeviationLoss",
        arguments=_TUPLE_LOSS,
    ),
    "triplet_max_positive": LossChoice(
        home="placevec.losses.triplet_max_positive:TripletMaxPositiveLoss", arguments=_TUPLE_LOSS
    ),
    "triplet_ranking": LossChoice(
        home="placevec.losses.triplet_ranking:TripletRankingLoss", arguments=_TUPLE_LOSS
    ),
    "sare_joint": LossChoice(home="placevec.losses.sare_joint:SAREJointLoss"),
    "sare_independent": LossChoice(home="placevec.losses.sare_independent:SAREIndependentLoss"),
    "info_nce": LossChoice(
        home="placevec.losses.info_nce:InfoNCELoss",
        arguments={"temperature": "temperature", "negative_radius_m": "pair_radius_m"},
        needs_negatives=False,
    ),
    "multi_similarity": LossChoice(
        home="placevec.losses.multi_similarity:MultiSimilarityLoss",
        arguments=_PAIR_LOSS,
        needs_negatives=False,
    ),
    "circle": LossChoice(
        home="placevec.losses.circle:CircleLoss", arguments=_PAIR_LOSS, needs_negatives=False
    ),
    "batch_allpair_hinge": LossChoice(
        home="placevec.losses.batch_all_pair_hinge:BatchAllPairHingeLoss",
        arguments=_PAIR_LOSS,
        needs_negatives=False,
    ),
}


_PROJECTED = {"projected_dim": "aggregator_dim"}

AGGREGATORS = {
    "netvlad": Choice(
        home="placevec.layers.ghostvlad:make_vlad",
        arguments={
            "num_clusters": "num_clusters",
            "num_ghost_clusters": "num_ghost_clusters",
            "use_bias": "assignment_bias",
            "normalize_inputs": "normalize_features",
        },
        settings=("keep_old_clusters", "clusters", "assignment", "assignment_ratio"),
    ),
    "gem": Choice(home="placevec.layers.gem:GeM"),
    "spoc": Choice(home="placevec.layers.spoc:SPoC"),
    "mac": Choice(home="placevec.layers.mac:MAC"),
    "conv_ap": Choice(home="placevec.layers.conv_ap:ConvAP", arguments=_PROJECTED),
    "mixvpr": Choice(home="placevec.layers.mixvpr:MixVPR", arguments=_PROJECTED),
    "salad": Choice(
        home="placevec.layers.salad:SALADLike",
        arguments={"num_clusters": "num_clusters", **_PROJECTED},
    ),
}


@dataclass(frozen=True, kw_only=True)
class BackboneChoice(Choice):
    """One row of the table of backbones.

    `home` builds the network, and takes the arguments of a function of `keras.applications`.
    `constants` turn off scaling inside the network, because `PixelScaling` scales the pixels.

    Args:
        cut_layer: str. The layer that is usually aggregated.
        pixels: mapping. Arguments of `PixelScaling`: what the pretrained weights expect as input.
        shipped_in: str. Name of the network that ships with placevec and holds the ImageNet
            weights, up to the usual cut. Empty: the maker downloads them.
    """

    cut_layer: str
    pixels: Mapping[str, Any]
    shipped_in: str = ""


_MINUS_ONE_TO_ONE = {"scale": 2.0 / 255.0, "offset": -1.0, "channel_order": "rgb"}
_CAFFE = {"scale": 1.0, "offset": (-103.939, -116.779, -123.68), "channel_order": "bgr"}
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STANDARD = {
    "scale": tuple(1 / (255 * deviation) for deviation in _DEVIATION),
    "offset": tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),
    "channel_order": "rgb",
}
_RAW = {"include_preprocessing": False}

# The usual cut is the last layer with a stride of 16 (14 in DINOv2; the last convolution in VGG).
BACKBONES = {
    "mobilenetv2": BackboneChoice(
        home="keras.applications:MobileNetV2",
        cut_layer="block_9_add",
        pixels=_MINUS_ONE_TO_ONE,
    ),
    "mobilenet": BackboneChoice(
        home="keras.applications:MobileNet",
        cut_layer="conv_pw_7_relu",
        pixels=_MINUS_ONE_TO_ONE,
    ),
    "vgg16": BackboneChoice(
        home="keras.applications:VGG16",
        cut_layer="block5_conv3",
        pixels=_CAFFE,
    ),
    "vgg19": BackboneChoice(
        home="keras.applications:VGG19",
        cut_layer="block5_conv4",
        pixels=_CAFFE,
    ),
    "resnet18": BackboneChoice(
        home="placevec.models.backbones.flat_networks:resnet18",
        cut_layer="stack2_block1_out",
        pixels=_STANDARD,
    ),
    "resnet50": BackboneChoice(
        home="keras.applications:ResNet50",
        cut_layer="conv4_block6_out",
        pixels=_CAFFE,
    ),
    "efficientnetb0": BackboneChoice(
        home="placevec.models.backbones.flat_networks:efficientnet_b0",
        cut_layer="block5c_add",
        pixels=_STANDARD,
    ),
    "efficientnetv2b0": BackboneChoice(
        home="keras.applications:EfficientNetV2B0",
        cut_layer="block5e_add",
        pixels=_STANDARD,
        constants=_RAW,
    ),
    "efficientnetlite0": BackboneChoice(
        home="placevec.models.backbones.efficientnet_lite:efficientnet_lite0",
        cut_layer="block_10_add",
        pixels={"scale": 1 / 128, "offset": -127 / 128, "channel_order": "rgb"},
        shipped_in="small",
    ),
    "mobilenetv3small": BackboneChoice(
        home="keras.applications:MobileNetV3Small",
        cut_layer="expanded_conv_7_add",
        pixels=_MINUS_ONE_TO_ONE,
        constants=_RAW,
    ),
    "mobilenetv3large": BackboneChoice(
        home="keras.applications:MobileNetV3Large",
        cut_layer="expanded_conv_11_add",
        pixels=_MINUS_ONE_TO_ONE,
        constants=_RAW,
    ),
    "convnexttiny": BackboneChoice(
        home="placevec.models.backbones.flat_networks:convnext_tiny",
        cut_layer="convnext_tiny_stage_2_block_8_add",
        pixels=_STANDARD,
    ),
    "dinov2s": BackboneChoice(
        home="placevec.models.backbones.dinov2:dinov2_small",
        cut_layer="patch_grid",
        pixels=_STANDARD,
    ),
    "dinov2b": BackboneChoice(
        home="placevec.models.backbones.dinov2:dinov2_base",
        cut_layer="patch_grid",
        pixels=_STANDARD,
    ),
}


@dataclass(frozen=True, kw_only=True)
class EngineChoice(Choice):
    """One row of the table of engines.

    The module `home` has `export(model, folder)`, which writes what the library reads, and
    `load(folder, precision, threads, calls)`, which returns a function from `(B, H, W, C)` uint8
    to `(B, D)`; several threads may call it.

    Args:
        needs: tuple of str. Packages that run an export.
        exporters: tuple of str. Further packages that make an export.
        quantizers: tuple of str. Further packages that make an int8 export.
        extra: str. The extra of placevec that installs all these packages.
        precisions: tuple of str. Precisions that the engine can compute in.
        batch_size: int. Number of photos per call at which the engine is fastest.
        takes_onnx: bool. Whether `home` also has `from_onnx(path, folder)`, which makes an export
            from an ONNX file.
    """

    needs: tuple[str, ...]
    exporters: tuple[str, ...]
    quantizers: tuple[str, ...]
    extra: str
    precisions: tuple[str, ...]
    batch_size: int
    takes_onnx: bool = False

    def missing(self, exporting: bool) -> list[str]:
        """Returns the needed packages that are not installed."""
        packages = self.needs + (self.exporters if exporting else ())
        return [name for name in packages if not _is_installed(name)]

    def missing_quantizers(self) -> list[str]:
        """Returns the packages for an int8 export that are not installed."""
        return [name for name in self.quantizers if not _is_installed(name)]


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


KERAS = "keras"
"""The engine that runs every model and needs no export."""

ENGINES = {
    "openvino": EngineChoice(
        home="placevec.models.engines.runtimes.openvino_engine",
        needs=("openvino",),
        exporters=("tensorflow",),
        quantizers=("nncf",),
        extra="fast",
        precisions=("float32", "bf16", "int8"),
        batch_size=4,
        takes_onnx=True,
    ),
    "onnx": EngineChoice(
        home="placevec.models.engines.runtimes.onnx_engine",
        needs=("onnxruntime",),
        exporters=("tensorflow", "tf2onnx"),
        quantizers=(),
        extra="onnx",
        precisions=("float32",),
        batch_size=4,
        takes_onnx=True,
    ),
    "litert": EngineChoice(
        home="placevec.models.engines.runtimes.litert_engine",
        needs=("ai_edge_litert",),
        exporters=("tensorflow",),
        quantizers=(),
        extra="litert",
        precisions=("float32",),
        batch_size=4,
    ),
    KERAS: EngineChoice(
        home="placevec.models.engines.runtimes.keras_engine",
        needs=(),
        exporters=(),
        quantizers=(),
        extra="",
        precisions=("float32", "bf16"),
        batch_size=8,
    ),
}

AUGMENTATIONS = {
    "none": Choice(),
    "light": Choice(
        home="placevec.images.augmentation.street:Street",
        constants={
            "view_probability": 0.0,
            "occluder_probability": 0.0,
            "night_probability": 0.5,
        },
    ),
    "street": Choice(home="placevec.images.augmentation.street:Street"),
    "basic": Choice(home="placevec.images.augmentation.imgaug_presets:_basic"),
    "typical": Choice(home="placevec.images.augmentation.imgaug_presets:_typical"),
    "heavy": Choice(home="placevec.images.augmentation.imgaug_presets:_heavy"),
}

POSITIVE_RULES = {
    "distance": Choice(),
    "view_overlap": Choice(settings=("min_overlap",)),
    "shared_points": Choice(settings=("min_overlap",)),
}

_BY_DESCRIPTORS = ("mine_every", "refresh_share", "cache_dtype")

MININGS = {
    "random": Choice(),
    "partial": Choice(settings=(*_BY_DESCRIPTORS, "mining_pool")),
    "full": Choice(settings=_BY_DESCRIPTORS),
    "paper": Choice(settings=(*_BY_DESCRIPTORS, "mining_pool")),
}

OPTIMIZERS = {
    "adam": Choice(home="keras.optimizers:Adam"),
    "adamw": Choice(home="keras.optimizers:AdamW"),
    "sgd": Choice(home="keras.optimizers:SGD", constants={"momentum": 0.9}),
}

NORMALIZATIONS = {
    "none": Choice(),
    "map": Choice(home="placevec.retrieval.normalize:map_mean"),
    "running": Choice(home="placevec.retrieval.normalize:running_means"),
    "own": Choice(home="placevec.retrieval.normalize:own_mean"),
}

HUBNESS = {
    "none": Choice(),
    "csls": Choice(home="placevec.retrieval.hubness:of_map"),
    "csls_batch": Choice(home="placevec.retrieval.hubness:of_batch"),
}

RERANKERS = {
    "features": Choice(),
    "sift": Choice(home="placevec.retrieval.reranking.sift:sift_matcher"),
}


@dataclass(frozen=True, kw_only=True)
class ExportChoice:
    """One row of the table of files for other programs.

    Args:
        engine: str. The key of `ENGINES` that writes and checks the file; empty for TensorFlow.
        file: str. The name of the file, or of the folder.
        beside: tuple of str. The names of other files that belong to it.
        precisions: tuple of str. Data types that weights can be stored in.
    """

    engine: str
    file: str
    beside: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("float32",)


EXPORTS = {
    "onnx": ExportChoice(engine="onnx", file="model.onnx", precisions=("float32", "float16")),
    "openvino": ExportChoice(
        engine="openvino",
        file="model.xml",
        beside=("model.bin",),
        precisions=("float32", "float16", "int8"),
    ),
    "litert": ExportChoice(engine="litert", file="model.tflite"),
    "savedmodel": ExportChoice(engine="", file="model"),
    "rtabmap": ExportChoice(
        engine="onnx",
        file="model.onnx",
        beside=("placevec_rtabmap.py",),
        precisions=("float32", "float16"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class FoundFileChoice(Choice):
    """One row of the table of files that a search writes.

    Args:
        needs_degrees: bool. Whether the file can only give positions as latitude and longitude.
    """

    needs_degrees: bool = False


FOUND_FILES = {
    ".html": FoundFileChoice(home="placevec.retrieval.found.page:write_page"),
    ".csv": FoundFileChoice(home="placevec.retrieval.found.table:write_csv"),
    ".geojson": FoundFileChoice(
        home="placevec.retrieval.found.map_files:write_geojson", needs_degrees=True
    ),
    ".kml": FoundFileChoice(
        home="placevec.retrieval.found.map_files:write_kml", needs_degrees=True
    ),
    ".jpg": FoundFileChoice(home="placevec.retrieval.found.draw:draw_found"),
    ".png": FoundFileChoice(home="placevec.retrieval.found.draw:draw_found"),
}

PRECISIONS = tuple(dict.fromkeys(each for row in ENGINES.values() for each in row.precisions))
EXPORT_PRECISIONS = tuple(
    dict.fromkeys(each for row in EXPORTS.values() for each in row.precisions)
)
INDEX_KINDS = ("flat", "sq8", "hnsw", "ivf_pq")
SPLITS_BY = ("area", "sequence", "time")
DTYPES = ("float32", "float16")
PIPES = ("auto", "software", "opengl")
CAMERAS = ("walk", "fly")
UPS = ("auto", "y", "z")
EXPOSURES = ("as_taken", "log")
ASSIGNMENTS = ("v1", "v2")
POSITIVES = ("random", "best")
WORKERS = ("threads", "processes")
TRAINING_PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
THUMBS = ("256", "1024", "2048", "original")


if TYPE_CHECKING:  # a type checker cannot know the names of the rows, which are the types' values
    AggregatorName = Assignment = Augmentation = BackboneName = Cameras = Dtype = Engine = str
    Exposure = Hubness = IndexKind = LossName = Mining = Normalization = OptimizerName = str
    Pipe = PositiveRule = Positives = Precision = SplitBy = Thumb = TrainingPrecision = str
    ExportFormat = ExportPrecision = Reranker = Up = Workers = str
else:
    AggregatorName = Literal[tuple(AGGREGATORS)]
    Assignment = Literal[ASSIGNMENTS]
    Augmentation = Literal[tuple(AUGMENTATIONS)]
    BackboneName = Literal[tuple(BACKBONES)]
    Cameras = Literal[CAMERAS]
    Dtype = Literal[DTYPES]
    Engine = Literal[("auto", *ENGINES)]
    ExportFormat = Literal[tuple(EXPORTS)]
    ExportPrecision = Literal[EXPORT_PRECISIONS]
    Exposure = Literal[EXPOSURES]
    Hubness = Literal[tuple(HUBNESS)]
    IndexKind = Literal[INDEX_KINDS]
    LossName = Literal[tuple(LOSSES)]
    Mining = Literal[tuple(MININGS)]
    Normalization = Literal[tuple(NORMALIZATIONS)]
    OptimizerName = Literal[tuple(OPTIMIZERS)]
    Pipe = Literal[PIPES]
    PositiveRule = Literal[tuple(POSITIVE_RULES)]
    Positives = Literal[POSITIVES]
    Precision = Literal[PRECISIONS]
    Reranker = Literal[tuple(RERANKERS)]
    SplitBy = Literal[SPLITS_BY]
    Thumb = Literal[THUMBS]
    TrainingPrecision = Literal[TRAINING_PRECISIONS]
    Up = Literal[UPS]
    Workers = Literal[WORKERS]
