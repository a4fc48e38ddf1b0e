"""How tuples are chosen from the photos that the network still confuses."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import MININGS, Dtype, Mining, Positives
from placevec.config.limits import Above, AtLeast, Between
from placevec.config.refusals import need_applicable, refuse, settle


@dataclass(frozen=True)
class MiningConfig:
    """Mining: which negatives and positives a tuple gets."""

    mining: Mining = "random"
    """Which negatives to use: random ones, or those most similar to the query, found again before
    each epoch. full searches the whole database; partial searches mining_pool photos; paper
    searches mining_pool photos and the hardest negatives of the previous time for each query, and
    skips queries that do not violate the margin."""
    mining_pool: Annotated[int, AtLeast(1)] = 1000
    """Number of database photos that partial and paper choose from."""
    num_hard_negatives: Annotated[int, AtLeast(0)] = 0
    """With partial and full, draw the negatives at random from this many of the most similar
    photos. 0: take the num_negatives most similar ones."""
    positives: Positives = "random"
    """Which positives to use: random ones, or, with mining, those most similar to the query
    (best)."""
    mine_every: Annotated[int, AtLeast(1)] = 1
    """Number of epochs between two refreshes of the cached descriptors that mining uses. It doubles
    each time halve_every halves the learning rate."""
    refresh_share: Annotated[float, Above(0), Between(0, 1)] = 1.0
    """Share of the cached descriptors that a refresh computes again, oldest first."""
    cache_dtype: Dtype = "float32"
    """Data type of the cached descriptors, with 4 or 2 bytes per dimension."""

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
            refuse(self, "num_hard_negatives", "0 with mining=paper")
