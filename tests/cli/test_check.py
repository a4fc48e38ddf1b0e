import numpy as np
import pytest

from placevec.cli import main
from placevec.store import StoreWriter


def test_checks_a_store(tmp_path, capsys, refused_in_one_line):
    with StoreWriter.create(tmp_path / "town", model_id="m") as store:
        store.append(["a.jpg", "b.jpg"], np.eye(2, 8))
    main(["check", str(tmp_path / "town")])
    assert "findings: none" in capsys.readouterr().out
    path = tmp_path / "town" / "000000.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SystemExit) as caught:
        main(["check", str(tmp_path / "town")])
    assert caught.value.code == 1 and "000000.npy is damaged" in capsys.readouterr().out
    (tmp_path / "town" / "manifest.json").write_text("{")
    assert "manifest.json cannot be read" in refused_in_one_line(["check", tmp_path / "town"])


@pytest.mark.parametrize("flags", [["--out", "report.html"], ["--quick"], ["--samples", "2"]])
def test_refuses_settings_that_a_store_does_not_use(tmp_path, refused_in_one_line, flags):
    with StoreWriter.create(tmp_path / "town", model_id="m") as store:
        store.append(["a.jpg"], np.eye(1, 8))
    line = refused_in_one_line(["check", tmp_path / "town", *flags])
    assert f"`{flags[0][2:]}` has no effect with a store, whose check is only printed" in line
