import shlex
from pathlib import Path

import pytest

from placevec.store.files.manifest import Manifest, SavedIndex
from placevec.store.files.saved_statistics import SavedStatistics

DIGEST = 64 * "0"
STATISTICS = {dim: SavedStatistics(1, dim, 40, DIGEST) for dim in (8, 16)}


@pytest.mark.parametrize(
    ("kind", "dim", "flags"),
    [
        (None, None, ""),
        (None, 16, ""),
        (None, 8, "--dim 8"),
        ("hnsw", None, "--kind hnsw --no-statistics"),
        ("hnsw", 16, "--kind hnsw"),
        ("sq8", 8, "--kind sq8 --dim 8"),
    ],
)
def test_the_command_builds_the_index_that_the_store_has(kind, dim, flags):
    statistics = STATISTICS.get(dim)
    number = statistics and statistics.number
    index = kind and SavedIndex(2, kind, 0, 40, 9, DIGEST, number)
    manifest = Manifest("m", dim=16, next_number=3, index=index, statistics=statistics)
    words = shlex.split(manifest.index_command(Path("my town")))
    assert words == ["placevec", "index", "my town", *flags.split()]
