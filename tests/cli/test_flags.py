import re

import pytest

from placevec.cli import flags_over, main
from placevec.cli.flags import flag_names
from placevec.config import TrainConfig, to_dict


def help_of(arguments, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_help_of_train_has_a_titled_box_for_each_group(capsys, monkeypatch):
    text = help_of(["train"], capsys, monkeypatch)
    titles = re.findall(r"(?m)^ ([a-z ]+) options\s*$", text)
    groups = ["model", "tuples", "mining", "augment", "loss", "optimizer", "start", "whitening"]
    assert [each for each in titles if each in groups] == groups
    box = text.partition(" whitening options ")[2].partition(" options ")[0]
    assert re.findall("--[a-z][a-z-]+", box) == [
        "--whiten-dim", "--whiten-power", "--whiten-rank", "--whiten-augmentation",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "verb", ["train", "describe", "evaluate", "whiten", "render town", "split"]
)
def test_help_breaks_a_line_only_at_the_edge_of_the_terminal(verb, capsys, monkeypatch):
    text = help_of(verb.split(), capsys, monkeypatch)
    lines = [line.rstrip() for line in text.splitlines()]
    pairs = [
        (line, after.split()[0])
        for line, after in zip(lines, lines[1:], strict=False)
        if line.startswith("    ") and after.startswith("    ")
    ]
    assert len(pairs) > 2
    for line, word in pairs:
        assert len(line) + 1 + len(word) > 100 - 3, line


def test_flags_are_flat_and_each_setting_but_the_places_has_one():
    names = [name for name in to_dict(TrainConfig()) if name not in ("model", "places")]
    flags = flag_names(TrainConfig)
    assert [f"--{name.replace('_', '-')}" for name in names] == [
        flag for flag in flags if "." not in flag
    ]
    assert len(set(flags)) == len(flags)
    assert "--model.num-clusters" in flags


def test_a_flag_of_a_group_changes_that_setting_alone():
    settings = flags_over(TrainConfig(), ["--num-positives", "3", "--whiten-rank", "5"])
    expected = to_dict(TrainConfig()) | {"num_positives": 3, "whiten_rank": 5}
    assert to_dict(settings) == expected
