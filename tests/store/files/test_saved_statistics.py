import numpy as np
import pytest

from placevec.store.files.saved_statistics import read_statistics, write_statistics
from placevec.store.map_statistics import fit_map_statistics


def test_a_file_gives_back_what_was_written(unit_vectors, tmp_path):
    statistics = fit_map_statistics(unit_vectors(20, 6), 3)
    about = write_statistics(tmp_path, 7, statistics)
    read = read_statistics(tmp_path, about, 6)
    np.testing.assert_array_equal(read.mean, statistics.mean)
    np.testing.assert_array_equal(read.projection, statistics.projection)
    assert (read.dim, read.num_photos) == (3, 20)


def test_refuses_a_damaged_file(unit_vectors, tmp_path):
    about = write_statistics(tmp_path, 7, fit_map_statistics(unit_vectors(20, 6)))
    with pytest.raises(ValueError, match=r"must hold \(7, 8\) numbers. Received: \(7, 6\)"):
        read_statistics(tmp_path, about, 8)
    path = about.path(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="is damaged: its SHA-256"):
        read_statistics(tmp_path, about, 6)
    path.write_bytes(whole[:-4])
    with pytest.raises(ValueError, match="map-000007.npy must hold"):
        read_statistics(tmp_path, about, 6)
