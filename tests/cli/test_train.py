from pathlib import Path

import pytest

from placevec.cli import flags_over, main
from placevec.config import ModelConfig, TrainConfig


def test_train_takes_the_forms_of_the_documentation(trained):
    main("train folder:a --validation table:b.csv --out runs/x --resume "
         "--model.num-clusters 8 --model.backbone vgg16 --image-size 48 64".split())  # fmt: skip
    assert trained == [
        TrainConfig(
            places="folder:a",
            validation="table:b.csv",
            out=Path("runs/x"),
            resume=True,
            model=ModelConfig(num_clusters=8, backbone="vgg16"),
            image_size=(48, 64),
        )
    ]


def test_places_may_stand_behind_the_flags(trained):
    main(["train", "--epochs", "3", "folder:a"])
    assert trained == [TrainConfig(places="folder:a", epochs=3)]


@pytest.mark.parametrize(
    "form", ["--places folder:a --run-dir runs/x", "--places=folder:a --run_dir=runs/x"]
)
def test_the_flags_of_before_are_understood_and_those_of_now_named(trained, capsys, form):
    """Also over the constants of a script."""
    expected = TrainConfig(places="folder:a", out=Path("runs/x"))
    said = "placevec: `--places PLACES` is now `PLACES`\nplacevec: `--run-dir` is now `--out`\n"
    main(["train", *form.split()])
    assert trained == [expected] and capsys.readouterr().err == said
    assert flags_over(TrainConfig(), form.split()) == expected
    assert capsys.readouterr().err == said


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
