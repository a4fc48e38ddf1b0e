from pathlib import Path

import pytest

from placevec.cli import main
from placevec.config import ModelConfig, TrainConfig


def test_train_takes_the_forms_of_the_documentation(trained):
    main("train --places folder:a --validation table:b.csv --run-dir runs/x --resume "
         "--model.num-clusters 8 --model.backbone vgg16 --image-size 48 64".split())  # fmt: skip
    assert trained == [
        TrainConfig(
            places="folder:a",
            validation="table:b.csv",
            run_dir=Path("runs/x"),
            resume=True,
            model=ModelConfig(num_clusters=8, backbone="vgg16"),
            image_size=(48, 64),
        )
    ]


def test_train_without_flags_takes_every_default(trained):
    main(["train"])
    assert trained == [TrainConfig()]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "--epochs", "-1"], "placevec: `epochs` must be at least 0. Received: epochs=-1"),
        (
            ["train", "--resume", "--overwrite"],
            "placevec: Choose one of `resume` and `overwrite`. Received: both",
        ),
    ],
)
def test_refuses_an_impossible_setting_in_one_line(trained, refused_in_one_line, arguments, line):
    assert refused_in_one_line(arguments) == line
    assert trained == []
