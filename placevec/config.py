"""Every setting: its type, default, unit and meaning.

One frozen dataclass for each verb of the command line. Scripts, flags and run records are made
from these classes, so each default stands here and nowhere else. Only the standard library is
imported, so that `--help` answers at once.
"""

import dataclasses
import difflib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

_LOSSES_OVER_THE_BATCH = ("batch_allpair_hinge", "circle", "info_nce", "multi_similarity")
_LOSSES_WITHOUT_MARGIN = ("info_nce", "sare_independent", "sare_joint")
_LOSSES_WITH_TEMPERATURE = ("info_nce",)
Augmentation = Literal["none", "light", "street", "basic", "typical", "heavy"]
Engine = Literal["auto", "openvino", "onnx", "litert", "keras"]
Precision = Literal["float32", "bf16"]
# Settings that only some aggregators have.
_AGGREGATORS_WITH = {
    "aggregator_dim": ("conv_ap", "mixvpr", "salad"),
    "num_clusters": ("netvlad", "salad"),
    "num_ghost_clusters": ("netvlad",),
    "assignment_bias": ("netvlad",),
    "normalize_features": ("netvlad",),
}


@dataclass(frozen=True)
class ModelConfig:
    """What the network is made of."""

    backbone: Literal[
        "mobilenetv2",
        "mobilenet",
        "vgg16",
        "vgg19",
        "resnet18",
        "resnet50",
        "efficientnetb0",
        "efficientnetv2b0",
        "efficientnetlite0",
        "mobilenetv3small",
        "mobilenetv3large",
        "convnexttiny",
        "dinov2s",
        "dinov2b",
    ] = "mobilenetv2"
    """Network that turns a photo into a grid of local features."""
    cut_layer: str = "block_9_add"
    """Layer of the backbone whose output is aggregated, such as block_9_add (mobilenetv2),
    conv_pw_7_relu (mobilenet), block5_conv3 (vgg16), conv4_block6_out (resnet50) or patch_grid
    (dinov2b)."""
    linear_cut: bool = False
    """Leave out the activation inside the cut layer, as NetVLAD's paper does with VGG16."""
    channels: int = 3
    """Channels of a photo: 3 colour, 1 grey."""
    exposure: Literal["as_taken", "log"] = "as_taken"
    """What happens to pixels before the backbone: as_taken nothing; log evens out light by a
    logarithm and a common mean and spread, for photos of dusk and night."""
    weights: str = "none"
    """Weights the backbone starts from: imagenet (the pretrained ones, downloaded), none (random),
    or a .npz, .h5 or .keras file, read by layer name."""
    allow_missing_weights: bool = False
    """Go on when the weights file lacks some layers; they stay random."""
    batch_norm_momentum: float = 0.9
    """Share of the running statistics that a training step keeps. The 0.999 of the ImageNet
    networks never settles in a short training."""
    aggregator: Literal["netvlad", "gem", "spoc", "mac", "conv_ap", "mixvpr", "salad"] = "netvlad"
    """Layer that turns local features into one descriptor."""
    aggregator_dim: int | None = None
    """Length that conv_ap, mixvpr and salad project local features to. None: 512, 1024 and 128,
    as in their papers."""
    num_clusters: int = 16
    """K, the number of clusters of netvlad and salad."""
    num_ghost_clusters: int = 0
    """G, clusters of netvlad that take in features which describe nothing (GhostVLAD)."""
    assignment_bias: bool = True
    """Give the soft assignment of netvlad a bias, which v2 needs; the paper's published networks
    have none."""
    normalize_features: bool = True
    """Scale each local feature to unit length before netvlad aggregates it."""
    projection_dim: int = 0
    """Numbers of the descriptor after a linear projection that is learned with the rest. 0: no
    projection."""

    def __post_init__(self) -> None:
        _settle_types(self)
        if self.channels not in (1, 3):
            _refuse(self, "channels", "3 (colour) or 1 (grey)")
        _at_least(self, 1, "num_clusters")
        if self.aggregator_dim is not None:
            _at_least(self, 1, "aggregator_dim")
        _at_least(self, 0, "num_ghost_clusters", "projection_dim")
        _between(self, 0, 1, "batch_norm_momentum")
        for each in dataclasses.fields(self):
            users = _AGGREGATORS_WITH.get(each.name, (self.aggregator,))
            if self.aggregator not in users and getattr(self, each.name) != each.default:
                raise ValueError(
                    f"`{each.name}` is of {' and '.join(users)}, {self.aggregator} has none. "
                    f"Received: {each.name}={getattr(self, each.name)}"
                )


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained."""

    places: str = "folder:data/town/train"
    """Photos to train on, as READER:PATH."""
    validation: str = "folder:data/town/val"
    """Photos to measure recall on while training, as READER:PATH; of other places."""
    run_dir: Path = Path("runs/town")
    """Folder for the model, settings, history and pictures of this training."""
    resume: bool = False
    """Go on from the last checkpoint in `run_dir`."""
    overwrite: bool = False
    """Replace an earlier training in `run_dir`."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    image_size: tuple[int, int] = (240, 320)
    """Rows and columns that photos are resized to."""

    num_positives: int = 1
    """nP, photos of the query's place in a tuple."""
    num_negatives: int = 0
    """nN, photos of other places in a tuple. info_nce, multi_similarity, circle and
    batch_allpair_hinge need none: they take other tuples' photos."""
    positive_radius_m: float = 10.0
    """Largest distance of a positive from the query, in metres."""
    min_positive_distance_m: float = 0.0
    """Positives lie farther from the query than this, in metres, if it is above 0. NetVLAD's paper
    takes 1."""
    negative_radius_m: float = 25.0
    """Negatives are farther away than this, in metres."""
    max_heading_difference_deg: float | None = None
    """Largest difference of heading between a query and its positives, in degrees. None: any."""
    positive_rule: Literal["distance", "view_overlap", "shared_points"] = "distance"
    """What makes a photo within positive_radius_m a positive: distance nothing else; view_overlap
    the share of the two fields of view on the ground, from the headings (without any: distance);
    shared_points that of the points which both see. Photos that share anything with the query
    are no negatives then."""
    min_overlap: float = 0.5
    """Least such share of a positive, in [0, 1]."""
    view_depth_m: float = 50.0
    """How far a photo sees, in metres: the radius of its field of view for view_overlap. Photos of
    two tuples of a batch are no negatives within twice this distance."""
    min_time_difference_s: float | None = None
    """Least time between a query and its positives, and its right answers, in seconds. None: any
    other time."""
    mining: Literal["random", "partial", "full", "paper"] = "random"
    """Which negatives: random ones, or those most similar to the query, found anew before each
    epoch: full searches the whole database, partial mining_pool photos, paper mining_pool photos
    for each query and those found hardest the time before, and skips queries without a violation
    of the margin."""
    mining_pool: int = 1000
    """Database photos that partial and paper choose from."""
    num_hard_negatives: int = 0
    """With partial and full, negatives are drawn at random from so many of the most similar ones.
    0: the num_negatives most similar."""
    positives: Literal["random", "best"] = "random"
    """Which positives: random ones, or with mining those most similar to the query."""
    mine_every: int = 1
    """Epochs between two refreshes of the cached descriptors that mining goes by; twice as many
    each time halve_every halves the step size."""
    refresh_share: float = 1.0
    """Share of the cached descriptors that a refresh computes anew, oldest first."""
    cache_dtype: Literal["float32", "float16"] = "float32"
    """Numbers of the cached descriptors: 4 bytes each, or 2."""
    flip_tuples: bool = False
    """Mirror half of the tuples, all photos of a tuple alike."""
    augmentation: Augmentation = "none"
    """Changes to photos while training: light another hour, day or night; street also another
    camera and things in the way; the others are imgaug's."""
    device_augmentation: bool = False
    """Crop and turn photos a little and change their light and colours inside the training step, on
    the device that trains, beside or in place of `augmentation`."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""

    loss: Literal[
        "allpair_hinge",
        "allpair_hinge_deviation",
        "triplet_max_positive",
        "triplet_ranking",
        "sare_joint",
        "sare_independent",
        "info_nce",
        "multi_similarity",
        "circle",
        "batch_allpair_hinge",
    ] = "info_nce"
    """What is minimised over the descriptors of a tuple, or of a batch of them."""
    margin: float | None = None
    """By how much a positive must be closer than a negative (epsilon of the hinge); for circle, by
    how much similarities may be off 1 and 0. None: the usual one of the loss, 0.1 for
    triplet_ranking and multi_similarity, 0.4 for circle and 0.3 for the others; info_nce,
    sare_joint and sare_independent have none."""
    temperature: float | None = None
    """How softly info_nce weighs negatives: the smaller, the more the most similar ones count.
    None: the usual one, 0.05. The other losses have none."""
    distillation: float = 0.0
    """Weight, such as 10, beside the loss, of the squared distance between a photo's descriptor and
    the one that the network gave for it, unchanged, before the first step (self-distillation). It
    teaches that the changes of `augmentation` make no other place, and keeps what the network knew
    of places that the training does not show. Holds a descriptor of each photo in memory, and of
    each mirrored one with flip_tuples, 4 bytes a number. 0: none."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """Optimiser; sgd has a momentum of 0.9."""
    learning_rate: float | None = None
    """Step size of the optimiser. None: 0.01 from random weights, 0.0001 from given ones."""
    backbone_rate: float = 1.0
    """Step size of the backbone as a share of that of the layers behind it."""
    weight_decay: float = 0.0
    """Share of each weight, times the step size, that a step takes away."""
    clip_norm: float | None = None
    """Largest length of a step's gradient, of backbone and head apart where backbone_rate is not 1;
    a longer one is shortened. None: any."""
    average_weights: float = 0.0
    """Share of the running average of the weights that a step keeps, such as 0.99. The average is
    what is measured and saved. 0: no average."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Numbers that the backbone computes with; weights and sums stay float32."""
    warmup_steps: int = 0
    """Steps over which the step size rises from 0."""
    cosine_decay: bool = False
    """Let the step size fall to 0 over the training, along a cosine."""
    halve_every: int = 0
    """Epochs after which the step size is halved, again and again. 0: never."""
    batch_size: int = 24
    """Tuples in a training step."""
    accumulate: int = 1
    """Steps whose gradients are averaged for one update of the weights."""
    steps_per_epoch: int = 25
    """Training steps in an epoch."""
    epochs: int = 4
    """Epochs to train."""
    train_from_layer: str | None = None
    """First backbone layer that learns; those before it keep their weights. None: all learn."""
    freeze_batch_norm: bool | None = None
    """Keep the running statistics of batch normalisation as they are. None: not from random
    weights, but from given ones."""
    clusters: str = "photos"
    """What NetVLAD's clusters start from: photos (k-means of the training photos' local features),
    random, or a .mat file of centers as NetVLAD's authors publish them (`clsts`, D x K)."""
    assignment: Literal["v1", "v2"] = "v1"
    """How the clusters' soft assignment starts: v1 by the angle to a center, as in the paper's
    published networks, v2 by the distance to it, as in its formula."""
    assignment_ratio: float = 100.0
    """How many times larger than the second a local feature's largest assignment is at the start,
    on average: 100 in the paper; the smaller, the softer. 5 and 10 hold better in other light."""
    whiten_dim: int = 0
    """Numbers of the descriptor after PCA whitening, which is fitted on the training photos after
    the last epoch and becomes the last layer. 0: no whitening."""
    whiten_power: float = 1.0
    """How far the spread of the whitened numbers is evened out: 1 wholly, 0 not at all."""
    whiten_rank: int = 0
    """In place of whiten_dim: so many directions of largest spread, such as 40, are evened out and
    all others left as they are, which takes fewer weights. 0: none."""
    whiten_augmentation: Augmentation = "none"
    """Changes to two copies of each photo that the whitening is fitted on besides: what only they
    change in a descriptor then counts for less."""

    validate_every: int = 2
    """Epochs between two measurements of recall."""
    recall_radius_m: float = 25.0
    """A database photo within this distance of the query is a right answer, in metres."""
    seed: int = 0
    """Seed of all that is drawn at random."""
    num_workers: int = 2
    """Threads that read and augment photos."""
    workers: Literal["threads", "processes"] = "threads"
    """Who augments: the threads that read, or num_workers processes beside them, which is faster
    with the augmentations basic, typical and heavy. Batches are the same."""
    cache_mb: int = 1024
    """Decoded and resized photos that are kept in memory, in MiB, in each process of a training;
    the least recently used are given up. 0: none."""
    devices: int = 1
    """Devices that share each batch. torchrun, and JAX on several machines, say it themselves."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(
            self, 1, "num_positives", "batch_size", "steps_per_epoch", "epochs",
            "validate_every", "num_workers", "mining_pool", "mine_every", "accumulate", "devices",
        )  # fmt: skip
        _at_least(
            self,
            0,
            "positive_radius_m",
            "min_positive_distance_m",
            "recall_radius_m",
            "seed",
            "cache_mb",
            "num_hard_negatives",
            "warmup_steps",
            "halve_every",
            "whiten_dim",
            "whiten_rank",
            "backbone_rate",
            "weight_decay",
            "average_weights",
            "distillation",
        )
        if not self.average_weights < 1:
            _refuse(self, "average_weights", "below 1")
        if self.clip_norm is not None:
            _positive(self, "clip_norm")
        _between(self, 0, 1, "refresh_share", "whiten_power", "min_overlap")
        _positive(self, "refresh_share", "view_depth_m")
        for name in ("max_heading_difference_deg", "min_time_difference_s"):
            if getattr(self, name) is not None:
                _at_least(self, 0, name)
        if self.learning_rate is not None:
            _positive(self, "learning_rate")
        _at_least(self, 0, "num_negatives")
        if self.num_negatives == 0 and self.loss not in _LOSSES_OVER_THE_BATCH:
            _refuse(self, "num_negatives", f"at least 1 with the loss {self.loss}")
        if self.mining == "random":
            if self.num_hard_negatives or self.positives == "best":
                raise ValueError(
                    "`num_hard_negatives` and the best `positives` need a `mining` that finds "
                    f"them, such as full. Received: num_hard_negatives={self.num_hard_negatives}, "
                    f"positives={self.positives}, mining=random"
                )
        elif self.num_negatives == 0:
            _refuse(self, "num_negatives", f"at least 1 with the mining {self.mining}")
        rule, over_the_batch = self.positive_rule, self.loss in _LOSSES_OVER_THE_BATCH
        self._refuse_unused("min_overlap", rule != "distance", "positive_rule", rule)
        looks_far = rule == "view_overlap" or (rule == "shared_points" and over_the_batch)
        self._refuse_unused("view_depth_m", looks_far, "positive_rule", rule)
        self._refuse_unused(
            "mining_pool", self.mining in ("partial", "paper"), "mining", self.mining
        )
        for name in ("mine_every", "refresh_share", "cache_dtype"):
            self._refuse_unused(name, self.mining != "random", "mining", self.mining)
        self._refuse_unused("whiten_power", self.whiten_dim > 0, "whiten_dim", self.whiten_dim)
        if self.whiten_dim and self.whiten_rank:
            _refuse(self, "whiten_rank", "0 beside `whiten_dim`")
        self._refuse_unused(
            "whiten_augmentation", self.is_whitened, "whiten_rank", self.whiten_rank
        )
        has_clusters = self.model.aggregator == "netvlad"
        for name in ("clusters", "assignment", "assignment_ratio"):
            self._refuse_unused(name, has_clusters, "model.aggregator", self.model.aggregator)
        for name in ("assignment", "assignment_ratio"):
            self._refuse_unused(name, self.clusters != "random", "clusters", self.clusters)
        if not self.assignment_ratio > 1:
            _refuse(self, "assignment_ratio", "above 1")
        if self.num_hard_negatives and self.num_hard_negatives < self.num_negatives:
            _refuse(self, "num_hard_negatives", "0 or at least `num_negatives`")
        if self.num_hard_negatives and self.mining == "paper":
            _refuse(self, "num_hard_negatives", "0 with the mining paper")
        if self.assignment == "v2" and not self.model.assignment_bias:
            raise ValueError("The `assignment` v2 needs an `assignment_bias`. Received: none")
        if self.halve_every and (self.cosine_decay or self.warmup_steps):
            _refuse(self, "halve_every", "0 beside `cosine_decay` or `warmup_steps`")
        if self.warmup_steps >= self.epochs * self.steps_per_epoch:
            _refuse(self, "warmup_steps", "less than `epochs * steps_per_epoch`")
        if self.margin is not None:
            if self.loss in _LOSSES_WITHOUT_MARGIN:
                raise ValueError(f"{self.loss} has no `margin`. Received: margin={self.margin}")
            _at_least(self, 0, "margin")
        if self.temperature is not None:
            if self.loss not in _LOSSES_WITH_TEMPERATURE:
                raise ValueError(
                    f"{self.loss} has no `temperature`. Received: temperature={self.temperature}"
                )
            _positive(self, "temperature")
        _image_size(self)
        if not self.negative_radius_m >= self.positive_radius_m:
            raise ValueError(
                "`negative_radius_m` must not be smaller than `positive_radius_m`. Received: "
                f"negative_radius_m={self.negative_radius_m}, "
                f"positive_radius_m={self.positive_radius_m}"
            )
        if self.device_augmentation and self.devices > 1:
            _refuse(self, "devices", "1 with `device_augmentation`")
        if self.resume and self.overwrite:
            raise ValueError("Choose one of `resume` and `overwrite`. Received: both")

    def _refuse_unused(self, name: str, is_used: bool, by: str, value: object) -> None:
        """Refuses a setting that was given and that nothing would heed."""
        default = {each.name: each.default for each in dataclasses.fields(self)}[name]
        if not is_used and getattr(self, name) != default:
            raise ValueError(
                f"`{name}` has no effect with {by}={value}. "
                f"Received: {name}={getattr(self, name)!r}"
            )

    @property
    def pair_radius_m(self) -> float:
        """Photos of two tuples of a batch are no negatives of each other within this distance."""
        if self.positive_rule == "distance":
            return self.negative_radius_m
        return max(self.negative_radius_m, 2 * self.view_depth_m)

    @property
    def is_whitened(self) -> bool:
        """Whether the descriptors are whitened after the last epoch, wholly or partly."""
        return self.whiten_dim > 0 or self.whiten_rank > 0

    @property
    def starts_random(self) -> bool:
        """Whether the network starts from random weights."""
        return self.model.weights == "none"

    @property
    def step_size(self) -> float:
        """`learning_rate`, or what it is when not given."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 1e-2 if self.starts_random else 1e-4

    def halvings_before(self, epoch: int) -> int:
        """Returns how often the step size was halved when an epoch begins."""
        return epoch // self.halve_every if self.halve_every else 0

    @property
    def keeps_batch_norm(self) -> bool:
        """`freeze_batch_norm`, or what it is when not given."""
        if self.freeze_batch_norm is not None:
            return self.freeze_batch_norm
        return not self.starts_random


@dataclass(frozen=True)
class DescribeConfig:
    """How photos are turned into descriptors."""

    model: Path
    """Trained model: a .keras file or an old .h5 file."""
    out: Path = Path("descriptors.npz")
    """A file that ends in .npz for names (N,), descriptors (N, D) float32 and the model's id; or a
    folder, a store that photos are written to as they come: the same command goes on after a stop
    and adds what is new."""
    dtype: Literal["float32", "float16"] = "float32"
    """Numbers of a new store; float16 takes half the bytes."""
    ray_workers: int = 0
    """Processes of Ray that describe for a store, on this machine or on the cluster that
    RAY_ADDRESS names. 0: this process describes."""
    image_size: tuple[int, int] | None = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    where it does not say."""
    batch_size: int | None = None
    """Photos in a batch. None: what suits the engine, 8 with Keras."""
    engine: Engine = "auto"
    """What runs the model: openvino, onnx (ONNX Runtime), litert or keras; auto: Keras where it has
    a GPU, else the first of them that is installed and equals Keras. All but keras read an export,
    which is made once and kept beside the model in MODEL.engines."""
    precision: Precision = "float32"
    """Numbers that the model computes with: float32 equals Keras to 1e-5; bf16 is faster on CPUs
    made for it, and what it costs is printed."""

    def __post_init__(self) -> None:
        _settle_types(self)
        if self.batch_size is not None:
            _at_least(self, 1, "batch_size")
        _at_least(self, 0, "ray_workers")
        if self.ray_workers and self.out.suffix:
            _refuse(self, "out", "a store, a folder without an ending, with `ray_workers`")
        _image_size(self)


@dataclass(frozen=True)
class IndexConfig:
    """Which index a store of descriptors gets."""

    kind: Literal["flat", "sq8", "hnsw", "ivf_pq"] = "flat"
    """flat compares all photos exactly, without a file; sq8 all by a byte a number; hnsw follows a
    graph, with two bytes a number; ivf_pq compares a few lists by a byte for 16 numbers."""
    auto: bool = False
    """Measure all kinds on a sample and build the fastest that reaches `recall` in `memory_mb`."""
    recall: float = 0.95
    """Share of the 10 most similar photos that the index must find; hnsw and ivf_pq are searched as
    thoroughly as it takes."""
    memory_mb: float | None = None
    """Memory that a search may take, in millions of bytes, with `auto`. None: any."""
    sample: int = 20_000
    """Photos of the sample, with `auto`."""
    seed: int = 0
    """Seed of the sample and of the photos that are searched to measure."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 2, "sample")
        _at_least(self, 0, "seed")
        _between(self, 0, 1, "recall")
        if self.memory_mb is not None:
            _positive(self, "memory_mb")
        if self.auto and self.kind != IndexConfig.kind:
            raise ValueError(f"Choose one of `auto` and `kind`. Received: auto, kind={self.kind}")
        if self.memory_mb is not None and not self.auto:
            raise ValueError(
                f"`memory_mb` has no effect without `auto`. Received: memory_mb={self.memory_mb}"
            )


@dataclass(frozen=True)
class SearchConfig:
    """How photos are looked up in a store."""

    model: Path
    """The model that described the store: a .keras file or an old .h5 file."""
    matches: int = 5
    """Photos to find for each query."""
    within_m: float | None = None
    """Only photos within this distance of a prior, in metres: of `of`, or of each query's own
    position where it has one."""
    of: tuple[float, float] | None = None
    """The prior: metres east and north in the frame of the store."""
    before: str | None = None
    """Only photos taken before this moment: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, UTC."""
    earlier: bool = False
    """Only photos taken before the query, where times are known."""
    picture: Path | None = None
    """A picture to draw of the first queries beside their matches, such as matches.jpg."""
    batch_size: int = 8
    """Photos in a batch."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 1, "matches", "batch_size")
        if self.within_m is not None:
            _at_least(self, 0, "within_m")
        if self.of is not None and self.within_m is None:
            raise ValueError(f"`of` has no effect without `within_m`. Received: of={self.of}")
        if self.before is not None:
            self.before_s  # noqa: B018

    @property
    def before_s(self) -> float | None:
        """Seconds since 1970, UTC, of `before`."""
        if self.before is None:
            return None
        try:
            moment = datetime.fromisoformat(self.before)
        except ValueError:
            _refuse(self, "before", "a moment, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True)
class EvaluateConfig:
    """How recall is measured."""

    model: Path
    """Trained model: a .keras file or an old .h5 file."""
    radius_m: float = 25.0
    """A database photo within this distance of the query is a right answer, in metres (in frames
    for a sequence)."""
    min_time_difference_s: float | None = None
    """Photos nearer in time to the query are no answers, in seconds: 30 for one drive, where the
    frames before and after say nothing. None: only those of the very same time, where a photo is
    query and database at once."""
    image_size: tuple[int, int] | None = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    where it does not say."""
    batch_size: int | None = None
    """Photos in a batch. None: what suits the engine, 8 with Keras."""
    engine: Engine = "auto"
    """What runs the model: openvino, onnx (ONNX Runtime), litert or keras; auto: Keras where it has
    a GPU, else the first of them that is installed and equals Keras. All but keras read an export,
    which is made once and kept beside the model in MODEL.engines."""
    precision: Precision = "float32"
    """Numbers that the model computes with: float32 equals Keras to 1e-5; bf16 is faster on CPUs
    made for it, and what it costs is printed."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    json: bool = False
    """Print JSON instead of a table."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 0, "radius_m")
        if self.min_time_difference_s is not None:
            _at_least(self, 0, "min_time_difference_s")
        if self.batch_size is not None:
            _at_least(self, 1, "batch_size")
        _image_size(self)


@dataclass(frozen=True)
class WhitenConfig:
    """How a model's descriptors are whitened."""

    places: str
    """Photos to fit the whitening on, as READER:PATH; of the set that is searched, or alike."""
    dim: int = 0
    """Numbers of the whitened descriptor."""
    rank: int = 0
    """In place of dim: so many directions of largest spread, such as 40, are evened out and all
    others left as they are, which takes fewer weights and keeps the length. One of the two is
    needed."""
    out: Path = Path("whitened.keras")
    """File for the model that ends in whitening."""
    power: float = TrainConfig.whiten_power
    """How far the spread of the whitened numbers is evened out: 1 wholly, 0 not at all."""
    augmentation: Augmentation = "none"
    """Changes to two copies of each photo that the whitening is fitted on besides: what only they
    change in a descriptor then counts for less."""
    max_photos: int = 10_000
    """Fit on so many database photos at most, drawn at random."""
    image_size: tuple[int, int] | None = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    where it does not say."""
    batch_size: int = 8
    """Photos in a batch."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    seed: int = 0
    """Seed of the draw of photos."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 1, "batch_size")
        _at_least(self, 2, "max_photos")
        _at_least(self, 0, "seed", "dim", "rank")
        check_whitening_settings(self.dim, self.rank, self.power)
        _between(self, 0, 1, "power")
        _image_size(self)


@dataclass(frozen=True)
class RenderConfig:
    """How a 3-D model, or the made town, is photographed."""

    out: Path | None = None
    """Folder for the photos. None: `data/` and the world's name."""
    seed: int = 0
    """Seed of cameras, weather, splits and of the made town."""
    image_size: tuple[int, int] = (240, 320)
    """Rows and columns of a photo."""
    field_of_view_deg: float = 75.0
    """Horizontal angle of view."""
    distortion: tuple[float, float, float, float, float] | None = None
    """Lens distortion k1 k2 p1 p2 k3, as OpenCV has it. None: a perfect lens."""
    pipe: Literal["auto", "software", "opengl"] = "auto"
    """What draws: software works everywhere, opengl by EGL. auto: opengl for models where it is
    there, else software."""
    jpeg_quality: int = 90
    """Of the photos, from 1 to 100."""
    points: bool = True
    """Write points.npz, which `train --positive-rule shared_points` needs."""
    point_cell_m: float = 1.0
    """Side of the cube of surface that counts as one point, in metres."""
    depth: bool = False
    """Write NAME.depth.npy beside each photo: float16, metres along the optical axis, inf where
    nothing is."""
    spacing_m: float | None = None
    """Least distance of places from each other, in metres; of the town, along its streets. None:
    10 m, in a small model less, down to 1 m, until there are enough places."""

    num_photos: int = 300
    """Of a model: photos to take, at least."""
    views_per_place: int = 2
    """Of a model: directions that cameras look into at each place."""
    visits: tuple[str, ...] = ("day", "overcast", "dusk")
    """Of a model: weathers. The first is the database, others are queries; one alone is both."""
    cameras: Literal["walk", "fly"] = "walk"
    """Of a model: walk, on ground that one can walk on; fly, anywhere above it, looking down."""
    trajectory: str | None = None
    """Of a model: READER:PATH of poses that cameras follow, in the model's frame."""
    height_m: tuple[float, float] = (45.0, 120.0)
    """Of a model, cameras that fly: least and largest height, in metres."""
    eye_height_m: float = 1.7
    """Of a model, cameras that walk: height of the camera above the ground, in metres."""
    jitter: float = 1.0
    """Of a model: how far cameras stray from their places, in height, pitch and roll too, as a
    share of what is usual. 0: not at all, and all visits see the same."""
    up: Literal["auto", "y", "z"] = "auto"
    """Of a model: the axis that points up."""
    scale: float = 1.0
    """Of a model: metres in one of its units."""
    randomize_textures: bool = False
    """Of a model: change colours and contrast of its textures on each visit."""
    val_share: float = 0.2
    """Of a model: share of the ground that is kept for validation. 0: none."""
    buffer_m: float = 25.0
    """Of a model: least distance between photos to train on and to validate with, in metres."""

    num_streets: int = 6
    """Of the town: streets to train on."""
    num_validation_streets: int = 10
    """Of the town: streets to measure recall on."""
    places_per_street: int = 30
    """Of the town: places along a street."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _image_size(self)
        _at_least(self, 0, "seed")
        _at_least(self, 1, "num_photos", "views_per_place", "num_streets", "places_per_street")
        _at_least(self, 1, "num_validation_streets")
        _positive(self, "point_cell_m", "scale", "eye_height_m")
        if self.spacing_m is not None:
            _positive(self, "spacing_m")
        if not 0 <= self.jitter <= 1:
            _refuse(self, "jitter", "from 0 to 1")
        _between(self, 1, 150, "field_of_view_deg")
        _between(self, 1, 100, "jpeg_quality")
        _between(self, 0, 0.5, "val_share")
        if not self.visits:
            _refuse(self, "visits", "at least one weather")
        if not 0 < self.height_m[0] <= self.height_m[1]:
            _refuse(self, "height_m", "the least and the largest height, above 0")


@dataclass(frozen=True)
class CheckConfig:
    """How a data set is checked, and what counts as a finding."""

    out: Path | None = None
    """The report: an .html file, or a folder for check.html; a .csv file of all findings is written
    beside it. None: check.html in the current folder, unless photos lie there."""
    quick: bool = False
    """Read the headers and ends of photos, but decode none: what is damaged in the middle and what
    is nearly equal is not found."""
    radius_m: float = 25.0
    """A query needs another database photo within this distance, in metres (in frames for a
    sequence); positives of the samples lie within it."""
    negative_radius_m: float | None = None
    """Negatives of the samples lie beyond this distance, in metres. None: beyond `radius_m`."""
    max_heading_difference_deg: float | None = None
    """Positives of the samples look in the query's direction, up to so many degrees. None:
    headings are not looked at."""
    max_speed_m_s: float = 50.0
    """Photos that follow each other in time and lie farther apart than this allows, in metres per
    second, are a jump."""
    duplicate_bits: int = 31
    """Photos whose fingerprints differ in so many of 512 bits at most are nearly equal, 0 to 31."""
    buffer_m: float | None = None
    """Photos of two splits must lie so far apart, in metres; 0 allows any distance. None: what the
    split was made with, 25 where splits.csv does not tell."""
    samples: int = 6
    """Tuples to draw, 50 at most."""
    seed: int = 0
    """Seed of the draw of tuples."""
    num_workers: int = 2
    """Threads that read photos."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 0, "radius_m", "seed")
        if self.buffer_m is not None:
            _at_least(self, 0, "buffer_m")
        if self.negative_radius_m is not None:
            _at_least(self, self.radius_m, "negative_radius_m")
        if self.max_heading_difference_deg is not None:
            _between(self, 0, 180, "max_heading_difference_deg")
        _at_least(self, 1, "num_workers")
        _positive(self, "max_speed_m_s")
        _between(self, 0, 31, "duplicate_bits")
        _between(self, 0, 50, "samples")


@dataclass(frozen=True)
class CollectConfig:
    """Where photos are collected, and how a service is asked."""

    out: Path = Path("data/collected")
    """Folder for the photos and positions.csv; the same command goes on where it stopped."""
    bbox: tuple[float, float, float, float] | None = None
    """Area: south, west, north and east edge in degrees."""
    polygon: Path | None = None
    """Area: a file with polygons in GeoJSON."""
    points: Path | None = None
    """Area: a CSV file with the columns lat and lon, in degrees."""
    track: Path | None = None
    """Area: a line to follow, a GPX file or a CSV file with the columns lat and lon, in order."""
    from_date: str | None = None
    """First day of the photos, YYYY-MM-DD."""
    to_date: str | None = None
    """Last day of the photos, YYYY-MM-DD."""
    dry_run: bool = False
    """Only ask what there is, which costs nothing, and print how many requests and how much money
    the photos would take."""
    max_requests: int = 1000
    """Quota: requests of one run, lookups and further attempts included."""
    requests_per_second: float = 10.0
    """Requests a second at most."""
    threads: int = 4
    """Requests at a time."""
    retries: int = 5
    """Further attempts of a request that failed by chance."""
    timeout_s: float = 60.0
    """Longest wait for an answer, in seconds."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 1, "max_requests", "threads")
        _at_least(self, 0, "retries")
        _positive(self, "requests_per_second", "timeout_s")
        for name in ("from_date", "to_date"):
            _date(self, name)
        if self.bbox is not None:
            south, west, north, east = self.bbox
            if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
                _refuse(self, "bbox", "south, west, north, east in degrees, each edge in order")
        given = [name for name in self._areas if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"Give one area: {', '.join(f'`{name}`' for name in self._areas)}. "
                f"Received: {' and '.join(given) or 'none'}"
            )

    @property
    def _areas(self) -> tuple[str, ...]:
        return "bbox", "polygon", "points", "track"


@dataclass(frozen=True)
class StreetviewConfig(CollectConfig):
    """Collect photos from Google's Street View Static API, which costs money.

    Its terms restrict what may be stored and learned from: docs/collecting.md. The key is read from
    GOOGLE_MAPS_API_KEY, the secret that signs requests from GOOGLE_MAPS_SIGNING_SECRET.
    """

    pano_ids: Path | None = None
    """In place of an area: a text file with ids of panoramas, one a line."""
    spacing_m: float = 20.0
    """Distance between the places that are asked for, in an area or along a track, in metres."""
    radius_m: int = 50
    """Largest distance of a panorama from the place that is asked for, in metres."""
    num_headings: int = 4
    """Photos of a panorama, 360 at most: their headings are spread evenly, the first is north."""
    fov_deg: float = 90.0
    """Horizontal field of view of a photo, in degrees."""
    pitch_deg: float = 0.0
    """Angle of the optical axis above the horizon, in degrees."""
    image_size: tuple[int, int] = (480, 640)
    """Rows and columns of a photo, 640 at most."""
    price_usd_per_1000: float = 7.0
    """List price of 1000 photos in US dollars, of August 2025; look up yours."""
    base_url: str = "https://maps.googleapis.com"
    """Address of the service."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _at_least(self, 1, "radius_m")
        _between(self, 1, 360, "num_headings")
        _at_least(self, 0, "price_usd_per_1000")
        _positive(self, "spacing_m")
        _between(self, 10, 120, "fov_deg")
        _between(self, -90, 90, "pitch_deg")
        _image_size(self)
        if max(self.image_size) > 640:
            _refuse(self, "image_size", "640 rows and columns at most")
        _safe_address(self, "base_url")

    @property
    def _areas(self) -> tuple[str, ...]:
        return *super()._areas, "pano_ids"


@dataclass(frozen=True)
class MapillaryConfig(CollectConfig):
    """Collect photos from Mapillary, which are CC BY-SA 4.0.

    The token is read from MAPILLARY_ACCESS_TOKEN.
    """

    within_m: float = 25.0
    """Largest distance of a photo from the points or the track, in metres."""
    min_distance_m: float = 5.0
    """Smallest distance between photos of one sequence, in metres."""
    thumb: Literal["256", "1024", "2048", "original"] = "1024"
    """Pixels of the photo's longer side."""
    keep_panoramas: bool = False
    """Take panoramas too, which are wrapped around and no view of a lens."""
    graph_url: str = "https://graph.mapillary.com"
    """Address of the service's graph."""
    tiles_url: str = "https://tiles.mapillary.com"
    """Address of the service's tiles."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive(self, "within_m")
        _at_least(self, 0, "min_distance_m")
        _safe_address(self, "graph_url")
        _safe_address(self, "tiles_url")


@dataclass(frozen=True)
class SplitConfig:
    """How photos become train, val and test."""

    by: Literal["area", "sequence", "time"] = "area"
    """What is kept apart: area one piece of ground for each split (without positions, whole
    places), sequence whole sequences, time the earliest photos train and the latest test."""
    val_share: float = 0.2
    """Share of the photos that val gets, before the buffer."""
    test_share: float = 0.2
    """Share of the photos that test gets, before the buffer."""
    buffer_m: float = 25.0
    """Least distance between photos of two splits, in metres; photos in between are left out. 0:
    none, and by sequence or time a place may then stand on two sides."""
    query_share: float = 0.25
    """Share of the photos of val and test that are queries: whole sequences or days where they are
    known. Roles that the photos already have stay."""
    duplicate_bits: int | None = 31
    """Photos of two splits are near-duplicates where at most so many of the 512 bits of their
    perceptual hashes differ, 0 to 31; one is left out. None: photos are not looked at."""
    model: Path | None = None
    """Trained model by whose descriptors photos of two splits are compared too."""
    max_similarity: float = 0.95
    """Photos of two splits whose descriptors are more similar are near-duplicates."""
    seed: int = 0
    """Seed of the ground's cuts, the order of sequences and the roles."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    overwrite: bool = False
    """Replace an earlier split."""

    def __post_init__(self) -> None:
        _settle_types(self)
        _at_least(self, 0, "val_share", "test_share", "buffer_m", "seed")
        _between(self, 0, 1, "max_similarity")
        if self.duplicate_bits is not None:
            _between(self, 0, 31, "duplicate_bits")
        if not 0 < self.val_share + self.test_share < 1:
            raise ValueError(
                "`val_share` and `test_share` must add up to more than 0 and less than 1. "
                f"Received: val_share={self.val_share}, test_share={self.test_share}"
            )
        if not 0 < self.query_share < 1:
            _refuse(self, "query_share", "above 0 and below 1")
        if self.model is None and self.max_similarity != SplitConfig.max_similarity:
            raise ValueError(
                "`max_similarity` has no effect without a `model`. Received: "
                f"max_similarity={self.max_similarity}"
            )


def check_whitening_settings(dim: int, rank: int, power: float) -> None:
    """Refuses whitening that is neither whole nor partial, or both.

    Args:
        dim: int. Numbers of the whitened descriptor.
        rank: int. Directions of partial whitening.
        power: float. How far whole whitening goes.

    Raises:
        ValueError: If not one of `dim` and `rank` is above 0, or `power` is given beside `rank`.
    """
    if max(dim, rank) <= 0 or min(dim, rank) != 0:
        raise ValueError(f"Give one of `dim` and `rank`, above 0. Received: dim={dim}, rank={rank}")
    if rank and power != TrainConfig.whiten_power:
        raise ValueError(f"`power` has no effect with `rank`. Received: power={power}, rank={rank}")


def to_dict(config: Any) -> dict[str, Any]:
    """Returns the settings as plain values that JSON can hold."""
    return json.loads(json.dumps(dataclasses.asdict(config), default=str))


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """Returns settings of the given class with `values` in place of its defaults.

    Args:
        kind: type. `TrainConfig`, for example.
        values: dict. Field names and values, as `to_dict` writes them.

    Raises:
        ValueError: If a name is no field of the class (the nearest names are given), or a value
            is refused.
    """
    fields = {each.name: each for each in dataclasses.fields(kind)}
    settings = {}
    for name, value in values.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields) or sorted(fields)
            raise ValueError(f"{kind.__name__} has no setting `{name}`. Near it: {', '.join(near)}")
        inner = fields[name].type
        if isinstance(value, dict) and dataclasses.is_dataclass(inner):
            value = from_dict(inner, value)
        settings[name] = value
    return kind(**settings)


def _settle_types(config: Any) -> None:
    """Turns text into paths and lists into tuples, and refuses what is of another type."""
    for each in dataclasses.fields(config):
        value = getattr(config, each.name)
        if Path in (each.type, *get_args(each.type)) and isinstance(value, str):
            value = Path(value)
        elif each.type is str and isinstance(value, Path):
            value = str(value)
        elif isinstance(value, list):
            value = tuple(value)
        object.__setattr__(config, each.name, value)
        if not _is_a(value, each.type):
            _refuse(config, each.name, _words(each.type))


def _is_a(value: Any, kind: Any) -> bool:
    choices = get_args(kind)
    if get_origin(kind) is Literal:
        return value in choices
    if get_origin(kind) is tuple:
        if choices[1:] == (...,):
            return isinstance(value, tuple) and all(_is_a(each, choices[0]) for each in value)
        is_as_long = isinstance(value, tuple) and len(value) == len(choices)
        return is_as_long and all(map(_is_a, value, choices))
    if choices:  # a union
        return any(_is_a(value, choice) for choice in choices)
    if kind is float:
        return type(value) in (float, int)
    return type(value) is kind if kind in (int, bool) else isinstance(value, kind)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    return f"of type {kind if get_args(kind) else kind.__name__}"


def _refuse(config: Any, name: str, must: str) -> None:
    raise ValueError(f"`{name}` must be {must}. Received: {name}={getattr(config, name)!r}")


def _at_least(config: Any, least: float, *names: str) -> None:
    for name in names:
        if not getattr(config, name) >= least:
            _refuse(config, name, f"at least {least}")


def _positive(config: Any, *names: str) -> None:
    for name in names:
        if not getattr(config, name) > 0:
            _refuse(config, name, "larger than 0")


def _between(config: Any, least: float, most: float, *names: str) -> None:
    for name in names:
        if not least <= getattr(config, name) <= most:
            _refuse(config, name, f"between {least} and {most}")


def _image_size(config: Any) -> None:
    if config.image_size is not None and min(config.image_size) < 32:
        _refuse(config, "image_size", "two whole numbers, rows and columns, of at least 32")


def _date(config: Any, name: str) -> None:
    text = getattr(config, name)
    if text is None:
        return
    try:
        is_date = date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_date = False
    if not is_date:
        _refuse(config, name, "a date, YYYY-MM-DD")


def _safe_address(config: Any, name: str) -> None:
    parts = urlsplit(getattr(config, name))
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
        _refuse(config, name, "an https address, as a key is sent there")
