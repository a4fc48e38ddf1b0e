import pytest

from placevec.cli import flags_over
from placevec.config import ModelConfig, TrainConfig


def test_flags_go_over_the_constants_of_a_script():
    constants = TrainConfig(epochs=30, model=ModelConfig(num_clusters=4))
    assert flags_over(constants, []) == constants
    changed = flags_over(constants, ["--epochs", "2", "--model.cut-layer", "block_2_add"])
    assert changed == TrainConfig(
        epochs=2, model=ModelConfig(num_clusters=4, cut_layer="block_2_add")
    )
    with pytest.raises(ValueError, match="no flag --epoch. Did you mean --epochs"):
        flags_over(constants, ["--epoch", "2"])
