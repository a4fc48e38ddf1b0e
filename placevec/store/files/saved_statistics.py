"""The file of a map's statistics in a store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placevec.store.files.shards import digest_of, map_numbers, require_digest, require_same
from placevec.store.map_statistics import MapStatistics
from placevec.whole_file import whole_file


@dataclass(frozen=True)
class SavedStatistics:
    """The file of a map's statistics, as the manifest of a store names it.

    Args:
        number: int. Number of the file, used once in a store.
        dim: int. Dimensions of an adapted descriptor.
        num_photos: int. Number of photos that the statistics were fitted on.
        sha256: str. SHA-256 of the statistics.
        num_changed: int. Number of photos added or removed since. The statistics are stale if it
            is above 0.
    """

    number: int
    dim: int
    num_photos: int
    sha256: str
    num_changed: int = 0

    def __post_init__(self) -> None:
        counts = (self.number, self.dim, self.num_photos, self.num_changed)
        if not all(type(each) is int and 0 <= each < 2**48 for each in counts):
            raise ValueError(
                f"Dimensions and photos of statistics must be counts. Received: {counts}"
            )
        require_digest(self.sha256)

    def path(self, folder: Path) -> Path:
        """Returns the file."""
        return folder / f"map-{self.number:06d}.npy"


def write_statistics(folder: Path, number: int, statistics: MapStatistics) -> SavedStatistics:
    """Writes a complete file of statistics, or none.

    Returns:
        The entry for the manifest.
    """
    numbers = statistics.numbers()
    about = SavedStatistics(number, statistics.dim, statistics.num_photos, digest_of(numbers))
    with whole_file(about.path(folder)) as unfinished:
        np.save(unfinished, numbers, allow_pickle=False)
    return about


def read_statistics(folder: Path, about: SavedStatistics, descriptor_dim: int) -> MapStatistics:
    """Reads the statistics that the manifest of a store names.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If the file is damaged, or does not fit the manifest.
    """
    path = about.path(folder)
    numbers = map_numbers(path, "float32")
    wanted = (1 + about.dim, descriptor_dim)
    if numbers.shape != wanted:
        raise ValueError(
            f"{path} must hold {wanted} numbers. Received: {numbers.shape}. Fit them again: "
            "`placevec index`"
        )
    require_same(path, digest_of(numbers), about.sha256)
    return MapStatistics(numbers[0], np.ascontiguousarray(numbers[1:].T), about.num_photos)
