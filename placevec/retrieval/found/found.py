"""The results of a search, and where the photos are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Found:
    """The results of a search in a store.

    Args:
        table: DataFrame, the result of `search_photos`.
        root: Path. The folder of the queries.
        store_root: Path. The folder of the store's photos.
        points: mapping or None. For each query, the matched points of its matches, see
            `LocalMatcher`.
    """

    table: "pd.DataFrame"
    root: Path
    store_root: Path
    points: Mapping[str, Sequence[NDArray[np.float32]]] | None = None
