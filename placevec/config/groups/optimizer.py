"""How the weights follow the gradient."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import OptimizerName
from placevec.config.limits import Above, AtLeast, Below
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer: how the weights follow the gradient, and which weights do."""

    optimizer: OptimizerName = "adam"
    """Optimizer. sgd has a momentum of 0.9."""
    learning_rate: Annotated[float | None, Above(0)] = None
    """Learning rate. None: 0.01 from random weights, 0.0001 from given weights."""
    backbone_rate: Annotated[float, AtLeast(0)] = 1.0
    """Learning rate of the backbone, as a share of the learning rate of the layers after it."""
    weight_decay: Annotated[float, AtLeast(0)] = 0.0
    """Share of each weight, times the learning rate, that a step subtracts."""
    clip_norm: Annotated[float | None, Above(0)] = None
    """Maximum norm of a step's gradient; a longer gradient is shortened. If backbone_rate is not 1,
    backbone and head are clipped separately. None: no limit."""
    average_weights: Annotated[float, AtLeast(0), Below(1)] = 0.0
    """Share of the running average of the weights that a step keeps, such as 0.99. placevec then
    measures and saves the average. 0: no average."""
    accumulate: Annotated[int, AtLeast(1)] = 1
    """Number of steps whose gradients are averaged for one update of the weights."""
    warmup_steps: Annotated[int, AtLeast(0)] = 0
    """Number of steps over which the learning rate rises from 0."""
    cosine_decay: bool = False
    """Let the learning rate fall to 0 over the training, along a cosine."""
    halve_every: Annotated[int, AtLeast(0)] = 0
    """Halve the learning rate each time this many epochs have passed. 0: never."""
    train_from_layer: str | None = None
    """First backbone layer that is trained; the layers before it keep their weights. None: train
    all layers."""
    freeze_batch_norm: bool | None = None
    """Keep the running statistics of batch normalization unchanged. None: true with given weights,
    false with random weights."""

    def __post_init__(self) -> None:
        settle(self)
        if self.halve_every and (self.cosine_decay or self.warmup_steps):
            refuse(self, "halve_every", "0 with `cosine_decay` or `warmup_steps`")

    def halvings_before(self, epoch: int) -> int:
        """Returns how many times the learning rate is halved before an epoch."""
        return epoch // self.halve_every if self.halve_every else 0
