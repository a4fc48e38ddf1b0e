"""What settings choose from: one row a choice, in one table a setting.

Flags, errors and registries are made from these tables. A row names the code of its choice as
text, `MODULE:NAME`, which is imported when it is asked for. Only the standard library is imported.
"""

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One row of a table of choices.

    Args:
        home: str. `MODULE:NAME` of the class or function behind the choice.
        arguments: mapping. Its arguments, and the setting that each comes from. An argument whose
            setting is None is left out, so that its own default holds.
        constants: mapping. Further arguments, and their values.
        settings: tuple of str. Further settings that only apply to the choices that name them.
    """

    home: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()

    def takes(self, setting: str) -> bool:
        """Returns whether a setting applies to this choice."""
        return setting in self.settings or setting in self.arguments.values()

    def find(self) -> Any:
        """Imports and returns the class or function behind the choice."""
        module, _, name = self.home.partition(":")
        return getattr(importlib.import_module(module), name)

    def arguments_from(self, config: Any) -> dict[str, Any]:
        """Returns the arguments that settings give, for what `find` returns.

        Args:
            config: dataclass instance that holds all settings of `arguments`.
        """
        values = {name: getattr(config, setting) for name, setting in self.arguments.items()}
        given = {name: value for name, value in values.items() if value is not None}
        return {**self.constants, **given}


Row = TypeVar("Row")


def choose(table: Mapping[str, Row], name: str, setting: str) -> Row:
    """Returns the row of a name.

    Args:
        table: mapping. One of the tables of this file.
        name: str. A key of it.
        setting: str. What the error calls the choice, such as `"loss"`.

    Raises:
        ValueError: If the table has no such row. The error names the nearest and all rows.

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

    `home` is the network's maker, called as those of `keras.applications`; `constants` leave out
    scaling inside the network, since `PixelScaling` does it.

    Args:
        cut_layer: str. The layer that is usually aggregated.
        pixels: mapping. Arguments of `PixelScaling`: what the pretrained weights expect as input.
    """

    cut_layer: str
    pixels: Mapping[str, Any]


_MINUS_ONE_TO_ONE = {"scale": 2.0 / 255.0, "offset": -1.0, "channel_order": "rgb"}
_CAFFE = {"scale": 1.0, "offset": (-103.939, -116.779, -123.68), "channel_order": "bgr"}
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STANDARD = {
    "scale": tuple(1 / (255 * deviation) for deviation in _DEVIATION),
    "offset": tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),
    "channel_order": "rgb",
}
_RAW = {"include_preprocessing": False}

# The usual cut is the last layer of a stride of 16 (of 14 in DINOv2; a last convolution in VGG).
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
        home="placevec.models.flat_networks:resnet18",
        cut_layer="stack2_block1_out",
        pixels=_STANDARD,
    ),
    "resnet50": BackboneChoice(
        home="keras.applications:ResNet50",
        cut_layer="conv4_block6_out",
        pixels=_CAFFE,
    ),
    "efficientnetb0": BackboneChoice(
        home="placevec.models.flat_networks:efficientnet_b0",
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
        home="placevec.models.flat_networks:efficientnet_lite0",
        cut_layer="block5c_add",
        pixels=_STANDARD,
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
        home="placevec.models.flat_networks:convnext_tiny",
        cut_layer="convnext_tiny_stage_2_block_8_add",
        pixels=_STANDARD,
    ),
    "dinov2s": BackboneChoice(
        home="placevec.models.dinov2:dinov2_small",
        cut_layer="patch_grid",
        pixels=_STANDARD,
    ),
    "dinov2b": BackboneChoice(
        home="placevec.models.dinov2:dinov2_base",
        cut_layer="patch_grid",
        pixels=_STANDARD,
    ),
}


Augmentation = Literal["none", "light", "street", "basic", "typical", "heavy"]


Engine = Literal["auto", "openvino", "onnx", "litert", "keras"]


Precision = Literal["float32", "bf16", "int8"]


if TYPE_CHECKING:  # checkers know these as text; at run time flags take the names of the rows
    AggregatorName = BackboneName = LossName = str
else:
    AggregatorName = Literal[tuple(AGGREGATORS)]
    BackboneName = Literal[tuple(BACKBONES)]
    LossName = Literal[tuple(LOSSES)]
