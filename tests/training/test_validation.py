import shutil

import pytest

from placevec.training import train
from placevec.training.run_files import read_history
from placevec.training.validation import feeding

pytestmark = pytest.mark.one_backend


def test_goes_on_without_validation_loss(small_config, caplog, made_places, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted((made_places / "val").glob("@5000*")):
        shutil.copy(path, few)
    config = small_config(validation=f"folder:{few}", epochs=1)
    train(config)
    assert "no validation loss" in caplog.text
    assert "val_loss" not in read_history(config.run_dir)[0]


def test_raises_what_went_wrong_in_the_batches():
    def batches():
        yield 1
        raise FileNotFoundError("b.jpg")

    def a_backend(batches):
        try:
            return list(batches)
        except FileNotFoundError as error:
            raise RuntimeError("graph execution error") from error

    with pytest.raises(FileNotFoundError, match="b.jpg"), feeding(batches()) as noted:
        a_backend(noted)
    with pytest.raises(RuntimeError, match="of its own"), feeding(iter([1])) as noted:
        raise RuntimeError("of its own")
