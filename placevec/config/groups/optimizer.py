"""How the weights follow the gradient."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import OptimizerName
from placevec.config.limits import Above, AtLeast, Below
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer: how the weights follow the gradient, and which of them."""

    optimizer: OptimizerName = "adam"
    """Optimizer; sgd has a momentum of 0.9."""
    learning_rate: Annotated[float | None, Above(0)] = None
    """Learning rate of the optimizer. None: 0.01 from random weights, 0.0001 from given ones."""
    backbone_rate: Annotated[float, AtLeast(0)] = 1.0
    """Learning rate of the backbone as a share of that of the layers behind it."""
    weight_decay: Annotated[float, AtLeast(0)] = 0.0
    """Share of each weight, times the learning rate, that a step takes away."""
    clip_norm: Annotated[float | None, Above(0)] = None
    """Largest length of a step's gradient, of backbone and head apart where backbone_rate is not 1;
    a longer one is shortened. None: any."""
    average_weights: Annotated[float, AtLeast(0), Below(1)] = 0.0
    """Share of the running average of the weights that a step keeps, such as 0.99. The average is
    what is measured and saved. 0: no average."""
    accumulate: Annotated[int, AtLeast(1)] = 1
    """Steps whose gradients are averaged for one update of the weights."""
    warmup_steps: Annotated[int, AtLeast(0)] = 0
    """Steps over which the learning rate rises from 0."""
    cosine_decay: bool = False
    """Let the learning rate fall to 0 over the training, along a cosine."""
    halve_every: Annotated[int, AtLeast(0)] = 0
    """Epochs after which the learning rate is halved, again and again. 0: never."""
    train_from_layer: str | None = None
    """First backbone layer that learns; those before it keep their weights. None: all learn."""
    freeze_batch_norm: bool | None = None
    """Keep the running statistics of batch normalization as they are. None: not from random
    weights, but from given ones."""

    def __post_init__(self) -> None:
        settle(self)
        if self.halve_every and (self.cosine_decay or self.warmup_steps):
            refuse(self, "halve_every", "0 beside `cosine_decay` or `warmup_steps`")

    def halvings_before(self, epoch: int) -> int:
        """Returns how often the learning rate was halved when an epoch begins."""
        return epoch // self.halve_every if self.halve_every else 0
