"""Groups of photos of one place."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places import PlaceDataset

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of photos of the same place. As text, a summary for people.

    Args:
        dataset: PlaceDataset. The photos that could be read.
        numbers: (N,) int64. Group of each photo. Group 1 is the largest; 0 means no group.
        similarities: (N,) float. Similarity to the medoid of the group, which is the photo that is
            most similar to all its photos. It is computed without the mean of all places. NaN for a
            photo in no group.
        threshold: float. Smallest gap of a group. Infinity if it could not be estimated, NaN if
            there is nothing to compare.
        precision: float or None. Estimated share of right matches in groups. None if you gave the
            threshold.
        largest_gap: float. Largest gap of any group that the photos can form; a higher threshold
            gives no groups. -infinity for two photos, NaN if there is nothing to compare.
    """

    dataset: PlaceDataset
    numbers: NDArray[np.int64]
    similarities: NDArray[np.floating]
    threshold: float
    precision: float | None
    largest_gap: float

    def members(self, number: int) -> NDArray[np.int64]:
        """Returns the photos of a group: the medoid first, then those most similar to it."""
        rows = np.flatnonzero(self.numbers == number)
        return rows[np.argsort(-self.similarities[rows], kind="stable")]

    def to_frame(self) -> "pd.DataFrame":
        """Returns a table with a row for each photo.

        Returns:
            DataFrame with the columns `file`, `group` (empty if the photo is in none) and
            `similarity` (to the medoid of the group). Groups come in the order of their numbers,
            photos in no group last.
        """
        import pandas as pd

        rows = [self.members(number) for number in range(1, self.numbers.max() + 1)]
        order = np.concatenate([*rows, np.flatnonzero(self.numbers == 0)])
        numbers = pd.Series(self.numbers[order], dtype="Int64")
        return pd.DataFrame(
            {
                "file": self.dataset.names[order].astype(object),
                "group": numbers.mask(numbers == 0),
                "similarity": self.similarities[order].round(4),
            }
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        photos = counted(len(self.numbers), "photo")
        count, num_grouped = int(self.numbers.max()), int((self.numbers > 0).sum())
        if math.isnan(self.threshold):
            if len(self.numbers) == 1:
                return "1 photo: there is nothing to group it with"
            return f"all {photos} look the same to the model: 1 group"
        found = f"no groups in {photos}"
        if count:
            found = f"{counted(count, 'group')} of {num_grouped} of {photos}"
        if len(self.numbers) == 2:
            return f"{found}: grouping needs at least 3 photos"
        half = f"`--threshold {self.largest_gap / 2:.2g}`, half of the largest gap of these photos"
        if self.precision is None:
            advice = "" if count else f". Try {half}"
            return f"{found}; threshold {self.threshold:.4g}, as given{advice}"
        share = f"{100 * self.precision:g} %"
        if math.isinf(self.threshold):
            return (
                f"{found}: a threshold of {share} precision cannot be estimated from these photos. "
                f"That needs at least {math.ceil(1 / (1 - self.precision) - 1e-9)} photos with a "
                f"clear match. Try {half}, and look at the groups; or a lower `--precision`"
            )
        return (
            f"{found}; threshold {self.threshold:.4g}, estimated from the photos for "
            f"a precision of {share}"
        )
