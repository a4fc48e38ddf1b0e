import shutil

import pytest

from placevec.training import train
from placevec.training.run_files import read_history

pytestmark = pytest.mark.one_backend


def test_goes_on_without_validation_loss(small_config, caplog, made_places, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted((made_places / "val").glob("@5000*")):
        shutil.copy(path, few)
    config = small_config(validation=f"folder:{few}", epochs=1)
    train(config)
    assert "no validation loss" in caplog.text
    assert "val_loss" not in read_history(config.out)[0]
