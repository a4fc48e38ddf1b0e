import numpy as np
import pytest

from placevec.store import DescriptorStore, StoreWriter, remove


def test_removes_photos_and_says_how_many_are_left(tmp_path):
    with StoreWriter.create(tmp_path / "s", model_id="m") as store:
        store.append(["a.jpg", "b.jpg", "c.jpg"], np.eye(3))
    assert str(remove(tmp_path / "s", ["a.jpg"])) == f"2 photos in {tmp_path / 's'}, 1 removed"
    done = remove(str(tmp_path / "s"), ["b.jpg"], compact=True)
    assert str(done) == f"1 photo in {tmp_path / 's'}, 1 removed"
    assert DescriptorStore.open(tmp_path / "s").num_rows == 1
    with pytest.raises(ValueError, match="gone.jpg"):
        remove(tmp_path / "s", ["gone.jpg"])
