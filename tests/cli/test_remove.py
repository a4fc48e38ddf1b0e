import numpy as np

from placevec.cli import main
from placevec.store import DescriptorStore, StoreWriter


def test_refuses_a_photo_that_the_store_lacks(
    places, model_path, tmp_path, capsys, refused_in_one_line
):
    """And removes none of the others that were named."""
    store = tmp_path / "store"
    main(["describe", str(places), "--model", str(model_path), "--out", str(store),
          "--image-size", "32", "48", "--engine", "keras"])  # fmt: skip
    capsys.readouterr()
    names = sorted(path.name for path in places.iterdir())
    line = refused_in_one_line(["remove", store, names[0], "gone.jpg"])
    assert line == f"placevec: 1 photo is not in {store} (first: gone.jpg)"
    assert DescriptorStore.open(store).table()["name"].tolist() == names


def test_removes_a_photo_whose_name_begins_with_a_dash(tmp_path):
    with StoreWriter.create(tmp_path / "s", model_id="m") as store:
        store.append(["-a.jpg", "b.jpg"], np.eye(2))
    main(["remove", str(tmp_path / "s"), "--", "-a.jpg"])
    assert DescriptorStore.open(tmp_path / "s").table()["name"].tolist() == ["b.jpg"]
