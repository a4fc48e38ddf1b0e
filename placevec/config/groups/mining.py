"""How tuples of what the network still confuses are found."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import MININGS, Dtype, Mining, Positives
from placevec.config.limits import Above, AtLeast, Between
from placevec.config.refusals import need_applicable, refuse, settle


@dataclass(frozen=True)
class MiningConfig:
    """Mining: which negatives and positives a tuple gets."""

    mining: Mining = "random"
    """Which negatives: random ones, or those most similar to the query, found again before each
    epoch: full searches the whole database, partial mining_pool photos, paper mining_pool photos
    for each query and those found hardest the time before, and skips queries without a violation
    of the margin."""
    mining_pool: Annotated[int, AtLeast(1)] = 1000
    """Database photos that partial and paper choose from."""
    num_hard_negatives: Annotated[int, AtLeast(0)] = 0
    """With partial and full, negatives are drawn at random from so many of the most similar ones.
    0: the num_negatives most similar."""
    positives: Positives = "random"
    """Which positives: random ones, or with mining those most similar to the query."""
    mine_every: Annotated[int, AtLeast(1)] = 1
    """Epochs between two refreshes of the cached descriptors that mining goes by; twice as many
    each time halve_every halves the learning rate."""
    refresh_share: Annotated[float, Above(0), Between(0, 1)] = 1.0
    """Share of the cached descriptors that a refresh computes again, oldest first."""
    cache_dtype: Dtype = "float32"
    """Numbers of the cached descriptors: 4 bytes each, or 2."""

    def __post_init__(self) -> None:
        settle(self)
        need_applicable(self, MININGS, self.mining, prefix="mining=")
        if self.mining == "random" and (self.num_hard_negatives or self.positives == "best"):
            raise ValueError(
                "`num_hard_negatives` and the best `positives` need a `mining` that finds "
                f"them, such as full. Received: num_hard_negatives={self.num_hard_negatives}, "
                f"positives={self.positives}, mining=random"
            )
        if self.mining == "paper" and self.num_hard_negatives:
            refuse(self, "num_hard_negatives", "0 with the mining paper")
