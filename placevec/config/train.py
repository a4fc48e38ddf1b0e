"""How a network is trained: the run, and a group of settings for each part of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from placevec.config.choices import AGGREGATORS, LOSSES
from placevec.config.dictionary import group, positional, renamed
from placevec.config.groups.augment import AugmentConfig
from placevec.config.groups.computing import ComputeConfig
from placevec.config.groups.loss import LossConfig
from placevec.config.groups.mining import MiningConfig
from placevec.config.groups.optimizer import OptimizerConfig
from placevec.config.groups.start import StartConfig
from placevec.config.groups.tuples import TupleConfig
from placevec.config.limits import AtLeast, ImageSize
from placevec.config.model import ModelConfig
from placevec.config.refusals import need_applicable, need_used, refuse, settle
from placevec.config.whiten import WhitenConfig


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.

    Its own fields are about the run; the groups hold the settings of each part of the training.
    Files and flags are flat and name each setting directly: see `to_dict` and `from_dict`.
    """

    places: str = positional("folder:data/town/train")
    """Photos to train on, as READER:PATH."""
    validation: str = "folder:data/town/val"
    """Photos of other places, to measure recall during training, as READER:PATH."""
    test: str | None = None
    """Photos to measure the finished network, as READER:PATH, of places that neither train it nor
    choose its epoch. None: no test."""
    image_size: ImageSize = (240, 320)
    """Rows and columns that photos are resized to."""
    skip_unreadable: bool = False
    """Skip photos that are missing or unreadable instead of stopping."""

    out: Path = renamed(Path("runs/town"), "run_dir")
    """Folder for the model, settings, history and pictures of this training."""
    resume: bool = False
    """Continue from the last checkpoint in `out`."""
    overwrite: bool = False
    """Replace an earlier training in `out`. If false, a folder that has files of these names is
    refused."""

    batch_size: Annotated[int, AtLeast(1)] = 24
    """Tuples in a training step."""
    steps_per_epoch: Annotated[int, AtLeast(1)] = 25
    """Training steps in an epoch."""
    epochs: Annotated[int, AtLeast(0)] = 4
    """Number of epochs. 0: build the network, start it from photos, whiten and measure it."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of everything that is drawn at random."""
    validate_every: Annotated[int, AtLeast(1)] = 2
    """Number of epochs between two measurements of recall."""
    recall_radius_m: Annotated[float, AtLeast(0)] = 25.0
    """A database photo is a right answer if it is within this distance of the query, in metres."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    tuples: TupleConfig = group(TupleConfig)
    """Which photos form a tuple."""
    mining: MiningConfig = group(MiningConfig)
    """Which negatives and positives a tuple gets."""
    augment: AugmentConfig = group(AugmentConfig)
    """How photos are changed while training."""
    loss: LossConfig = group(LossConfig)
    """What the training minimizes."""
    optimizer: OptimizerConfig = group(OptimizerConfig)
    """How the weights follow the gradient, and which weights do."""
    start: StartConfig = group(StartConfig)
    """What NetVLAD's clusters start from."""
    whitening: WhitenConfig = group(WhitenConfig, prefix="whiten_")
    """Whether and how descriptors are whitened after the last epoch."""
    computing: ComputeConfig = group(ComputeConfig)
    """Threads, processes, memory and devices."""

    def __post_init__(self) -> None:
        settle(self)
        self._check_tuples()
        need_applicable(self.start, AGGREGATORS, self.model.aggregator)
        if self.start.assignment == "v2" and not self.model.assignment_bias:
            raise ValueError("The `assignment` v2 needs an `assignment_bias`. Received: none")
        if self.epochs and self.optimizer.warmup_steps >= self.epochs * self.steps_per_epoch:
            refuse(self.optimizer, "warmup_steps", "less than `epochs * steps_per_epoch`")
        if self.augment.device_augmentation and self.computing.devices > 1:
            refuse(self.computing, "devices", "1 with `device_augmentation`")
        if self.resume and self.overwrite:
            raise ValueError("Choose one of `resume` and `overwrite`. Received: both")

    def _check_tuples(self) -> None:
        """Refuses tuples that loss or mining cannot use."""
        tuples, mining, loss = self.tuples, self.mining, LOSSES[self.loss.loss]
        if tuples.num_negatives == 0 and loss.needs_negatives:
            refuse(tuples, "num_negatives", f"at least 1 with the loss {self.loss.loss}")
        if tuples.num_negatives == 0 and mining.mining != "random":
            refuse(tuples, "num_negatives", f"at least 1 with the mining {mining.mining}")
        if 0 < mining.num_hard_negatives < tuples.num_negatives:
            refuse(mining, "num_hard_negatives", "0 or at least `num_negatives`")
        rule = tuples.positive_rule
        looks_far = rule == "view_overlap" or (rule == "shared_points" and not loss.needs_negatives)
        need_used(tuples, "view_depth_m", looks_far, f"positive_rule={rule}")

    @property
    def learning_rate(self) -> float:
        """The learning rate of `optimizer`, or its default if it is not given."""
        if self.optimizer.learning_rate is not None:
            return self.optimizer.learning_rate
        return 1e-2 if self.model.starts_random else 1e-4

    @property
    def keeps_batch_norm(self) -> bool:
        """`freeze_batch_norm` of `optimizer`, or its default if it is not given."""
        if self.optimizer.freeze_batch_norm is not None:
            return self.optimizer.freeze_batch_norm
        return not self.model.starts_random
