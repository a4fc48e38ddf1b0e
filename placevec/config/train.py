"""How a network is trained."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from placevec.config.choices import (
    AGGREGATORS,
    LOSSES,
    MININGS,
    POSITIVE_RULES,
    Augmentation,
    Dtype,
    LossName,
    Mining,
    OptimizerName,
    PositiveRule,
)
from placevec.config.model import ModelConfig
from placevec.config.refusals import (
    need_applicable,
    need_at_least,
    need_between,
    need_image_size,
    need_positive,
    refuse,
    settle_types,
)


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained."""

    places: str = "folder:data/town/train"
    """Photos to train on, as READER:PATH."""
    validation: str = "folder:data/town/val"
    """Photos to measure recall on while training, as READER:PATH; of other places."""
    test: str | None = None
    """Photos to measure the finished network on, as READER:PATH; of places that neither train it
    nor choose its epoch. None: none."""
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
    positive_rule: PositiveRule = "distance"
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
    mining: Mining = "random"
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
    cache_dtype: Dtype = "float32"
    """Numbers of the cached descriptors: 4 bytes each, or 2."""
    flip_tuples: bool = False
    """Mirror half of the tuples, all photos of a tuple alike."""
    augmentation: Augmentation = "none"
    """Changes to photos while training: light another hour, day or night; street also another
    camera and things in the way; the others are imgaug's."""
    device_augmentation: bool = False
    """Crop and turn photos a little and change their light and colors inside the training step, on
    the device that trains, beside or in place of `augmentation`."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""

    loss: LossName = "info_nce"
    """What is minimized over the descriptors of a tuple, or of a batch of them."""
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
    optimizer: OptimizerName = "adam"
    """Optimizer; sgd has a momentum of 0.9."""
    learning_rate: float | None = None
    """Step size of the optimizer. None: 0.01 from random weights, 0.0001 from given ones."""
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
    """Keep the running statistics of batch normalization as they are. None: not from random
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
        settle_types(self)
        need_at_least(
            self, 1, "num_positives", "batch_size", "steps_per_epoch", "epochs",
            "validate_every", "num_workers", "mining_pool", "mine_every", "accumulate", "devices",
        )  # fmt: skip
        need_at_least(
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
            refuse(self, "average_weights", "below 1")
        if self.clip_norm is not None:
            need_positive(self, "clip_norm")
        need_between(self, 0, 1, "refresh_share", "whiten_power", "min_overlap")
        need_positive(self, "refresh_share", "view_depth_m")
        for name in ("max_heading_difference_deg", "min_time_difference_s"):
            if getattr(self, name) is not None:
                need_at_least(self, 0, name)
        if self.learning_rate is not None:
            need_positive(self, "learning_rate")
        need_at_least(self, 0, "num_negatives")
        loss = LOSSES[self.loss]
        if self.num_negatives == 0 and loss.needs_negatives:
            refuse(self, "num_negatives", f"at least 1 with the loss {self.loss}")
        if self.mining == "random":
            if self.num_hard_negatives or self.positives == "best":
                raise ValueError(
                    "`num_hard_negatives` and the best `positives` need a `mining` that finds "
                    f"them, such as full. Received: num_hard_negatives={self.num_hard_negatives}, "
                    f"positives={self.positives}, mining=random"
                )
        elif self.num_negatives == 0:
            refuse(self, "num_negatives", f"at least 1 with the mining {self.mining}")
        rule = self.positive_rule
        need_applicable(self, POSITIVE_RULES, rule, prefix="positive_rule=")
        looks_far = rule == "view_overlap" or (rule == "shared_points" and not loss.needs_negatives)
        self._refuse_unused("view_depth_m", looks_far, "positive_rule", rule)
        need_applicable(self, MININGS, self.mining, prefix="mining=")
        self._refuse_unused("whiten_power", self.whiten_dim > 0, "whiten_dim", self.whiten_dim)
        if self.whiten_dim and self.whiten_rank:
            refuse(self, "whiten_rank", "0 beside `whiten_dim`")
        self._refuse_unused(
            "whiten_augmentation", self.is_whitened, "whiten_rank", self.whiten_rank
        )
        need_applicable(self, AGGREGATORS, self.model.aggregator)
        for name in ("assignment", "assignment_ratio"):
            self._refuse_unused(name, self.clusters != "random", "clusters", self.clusters)
        if not self.assignment_ratio > 1:
            refuse(self, "assignment_ratio", "above 1")
        if self.num_hard_negatives and self.num_hard_negatives < self.num_negatives:
            refuse(self, "num_hard_negatives", "0 or at least `num_negatives`")
        if self.num_hard_negatives and self.mining == "paper":
            refuse(self, "num_hard_negatives", "0 with the mining paper")
        if self.assignment == "v2" and not self.model.assignment_bias:
            raise ValueError("The `assignment` v2 needs an `assignment_bias`. Received: none")
        if self.halve_every and (self.cosine_decay or self.warmup_steps):
            refuse(self, "halve_every", "0 beside `cosine_decay` or `warmup_steps`")
        if self.warmup_steps >= self.epochs * self.steps_per_epoch:
            refuse(self, "warmup_steps", "less than `epochs * steps_per_epoch`")
        need_applicable(self, LOSSES, self.loss)
        if self.margin is not None:
            need_at_least(self, 0, "margin")
        if self.temperature is not None:
            need_positive(self, "temperature")
        need_image_size(self)
        if not self.negative_radius_m >= self.positive_radius_m:
            raise ValueError(
                "`negative_radius_m` must not be smaller than `positive_radius_m`. Received: "
                f"negative_radius_m={self.negative_radius_m}, "
                f"positive_radius_m={self.positive_radius_m}"
            )
        if self.device_augmentation and self.devices > 1:
            refuse(self, "devices", "1 with `device_augmentation`")
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
    def pair_radius_flag(self) -> str:
        """The flag that decides `pair_radius_m`."""
        is_view = self.pair_radius_m > self.negative_radius_m
        return "--view-depth-m" if is_view else "--negative-radius-m"

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
