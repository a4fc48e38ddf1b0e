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
    """The groups of photos of one place; as text, a summary for people.

    Args:
        dataset: PlaceDataset. The photos that could be read.
        numbers: (N,) int64. The group of each photo, from 1, the largest group first; 0 for a photo
            of none.
        similarities: (N,) float. To the photo of the group that is the most similar to all its
            photos (its medoid), after the mean of all places is taken off; NaN for a photo of none.
        threshold: float. Least gap of a group; infinity if the photos could not show one, NaN if
            there is nothing to compare.
        precision: float or None. What the photos estimate the share of right matches in groups to
            be; None if a threshold was given.
        largest_gap: float. Of all groups that the photos could be joined to: a higher threshold
            makes no group. -infinity for two photos, NaN if there is nothing to compare.
    """

    dataset: PlaceDataset
    numbers: NDArray[np.int64]
    similarities: NDArray[np.floating]
    threshold: float
    precision: float | None
    largest_gap: float

    def members(self, number: int) -> NDArray[np.int64]:
        """Returns the photos of a group, its medoid first, then the most similar to it."""
        rows = np.flatnonzero(self.numbers == number)
        return rows[np.argsort(-self.similarities[rows], kind="stable")]

    def to_frame(self) -> "pd.DataFrame":
        """Returns a row for each photo.

        Returns:
            DataFrame with `file`; `group`, empty for a photo of none; `similarity` to the medoid of
            the group. Groups come in their order, photos of none last.
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
