"""MATLAB files, checked before SciPy reads them."""

import os

import numpy as np
import pytest
from scipy.io import savemat

from placevec.sources.benchmarks import mat_file
from placevec.sources.benchmarks.mat_file import read_mat, variables_of_mat


def test_reads_one_variable_and_names_all(tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.arange(3.0), "b": "text"})
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat", "a"), [[0.0, 1.0, 2.0]])
    assert read_mat(tmp_path / "a.mat", "c") is None
    assert variables_of_mat(tmp_path / "a.mat") == {"a", "b"}


@pytest.mark.parametrize("compress", [False, True])
def test_variables_together_are_bounded(tmp_path, monkeypatch, compress):
    """A thousand variables of 10 kB each, which compressed take 100 bytes each."""
    zeros = {f"v{i}": np.zeros((10, 125)) for i in range(20)}
    savemat(tmp_path / "a.mat", zeros, do_compression=compress)
    monkeypatch.setattr(mat_file, "MAX_BYTES", 190_000)
    for read in (variables_of_mat, lambda path: read_mat(path, "v0")):
        with pytest.raises(ValueError, match="a.mat (is not a complete.*1 GB|must have at most)"):
            read(tmp_path / "a.mat")


def test_odd_files_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.mat")
    with pytest.raises(ValueError, match="a.mat must be a regular file"):
        read_mat(tmp_path / "a.mat", "a")
    with pytest.raises(FileNotFoundError, match="b.mat"):
        read_mat(tmp_path / "b.mat", "a")
