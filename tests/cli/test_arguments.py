import pytest

from placevec.cli import flags_over
from placevec.config import ModelConfig, TrainConfig


def test_flags_go_over_the_constants_of_a_script(capsys):
    constants = TrainConfig(epochs=30, model=ModelConfig(num_clusters=4))
    assert flags_over(constants, []) == constants
    changed = flags_over(constants, ["--epochs", "2", "--model.cut-layer", "block_2_add"])
    assert changed == TrainConfig(
        epochs=2, model=ModelConfig(num_clusters=4, cut_layer="block_2_add")
    )
    with pytest.raises(SystemExit) as caught:
        flags_over(constants, ["--epoch", "2"])
    assert caught.value.code == 2
    assert "--epochs" in capsys.readouterr().err
