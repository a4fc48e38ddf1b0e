import dataclasses
import re

import pytest

from placevec.cli import main
from placevec.cli.command_line import flags_of, read_command_line


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("train --epocs 3", "no flag --epocs. Did you mean --epochs.*`placevec train --help`"),
        ("train --epocs=3", "There is no flag --epocs. Did you mean --epochs"),
        ("train --num_positive 3", "no flag --num-positive. Did you mean --num-positives"),
        ("train --model.num-cluster 3", "Did you mean --model.num-clusters"),
        ("train --whiten-ranks 3", "Did you mean --whiten-rank"),
        ("render --num-photo 3", "Did you mean --num-photos"),
        ("render town --num-photos 3", "must follow a subcommand of `placevec render`"),
        ("evaluate x --modle m.keras", "no flag --modle. Did you mean --model."),
        ("collect streetview --spacin 3", "no flag --spacin. Did you mean --spacing-m"),
        ("remove store a.jpg --compct", "no flag --compct. Did you mean --compact"),
        ("train --qqq", "There is no flag --qqq. `placevec train --help` lists all flags"),
        ("train --epochs three", r"`--epochs` must be INT \(.*three"),
        ("train --loss hinge", "`--loss` must be one of allpair_hinge, .*. Received: hinge"),
        ("train --loss circel", "Received: circel. Did you mean circle"),
        ("train --image-size 64", "`--image-size` needs INT INT after it"),
        ("evaluate x --image-size 64", "`--image-size` must be INT INT. Received: '64'$"),
        ("evaluate x --image-size 64 a", "`--image-size` must be INT INT. Received: '64', 'a'$"),
        ("search s x --radius-m far", "`--radius-m` must be FLOAT. Received: 'far'$"),
        ("search s x --of", "`--of` must be FLOAT FLOAT. Received: nothing$"),
        ("search s x --radius-m", "`--radius-m` needs FLOAT after it$"),
        ("train --model.no-linear-cut --epochs", "`--epochs` needs INT after it$"),
        ("train folder:a folder:b", "`placevec train` takes no folder:b here"),
        ("train --whiten-dim -1", "`whiten_dim` must be at least 0. Received: whiten_dim=-1"),
        ("crop m.keras", "`placevec crop` needs `--dim`, `--out`"),
        ("info", "`placevec info` needs `MODEL`"),
        ("collect", "`placevec collect` needs one of streetview, mapillary. Received: nothing"),
        ("trian --epochs 3", "must be a verb: train, .*Received: trian. Did you mean train"),
    ],
)
def test_refuses_a_wrong_command_line_in_one_line(refused, line, answer):
    written = refused(line.split())
    assert written.count("\n") == 1
    assert re.match(f"placevec: .*{answer}", written)


@pytest.mark.parametrize(
    ("line", "received"),
    [
        ("describe -d.jpg --out d.npz", "-d.jpg"),
        ("search store -d.jpg", "-d.jpg"),
        ("search store --of -1 -2 -d.jpg", "-d.jpg"),
        ("search -s a.jpg", "-s"),
        ("search store a.jpg --out -d.html", "-d.html"),
        ("remove store -d.jpg", "-d.jpg"),
        ("evaluate -d", "-d"),
        ("evaluate places --model -m.keras", "-m.keras"),
        ("loops -d --out x", "-d"),
        ("calibrate -d --out x", "-d"),
        ("group -d --out x", "-d"),
        ("export -m.keras --no-overwrite", "-m.keras"),
        ("check --no-quick -d", "-d"),
        ("split -d", "-d"),
        ("train -d", "-d"),
        ("render model -m.obj", "-m.obj"),
    ],
)
def test_says_how_to_write_a_path_that_begins_with_a_dash(refused, line, received):
    written = refused(line.split())
    assert f"no flag {received}. If it is a path, write ./{received}; put other" in written


def test_says_how_to_write_a_file_that_begins_with_two_dashes(refused, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "./--d.jpg" not in refused(["search", "store", "--d.jpg"])
    (tmp_path / "--d.jpg").touch()
    assert "no flag --d.jpg. If it is a path, write ./--d.jpg" in refused(
        ["search", "store", "--d.jpg"]
    )


def test_names_flags_that_several_settings_share_once(refused):
    assert refused("collect streetview --dry-ru".split()).count("--dry-run") == 1


@dataclasses.dataclass
class Nothing:
    """Not of placevec: tyro's own."""


def test_knows_the_flags_of_functions_and_of_settings_inside_them():
    def verb(photos: str, /, other: Nothing, num_rows: int = 3) -> None:
        """Does nothing."""

    assert flags_of(verb) == ["--num-rows"]


def test_a_script_is_called_by_its_name(monkeypatch):
    def script(epochs: int = 3) -> int:
        """Returns it."""
        return epochs

    monkeypatch.setattr("sys.argv", ["/home/me/train_it.py"])
    assert read_command_line(script, ["--epochs", "4"]) == 4
    with pytest.raises(ValueError, match="--epoch. Did you mean --epochs. `train_it.py --help`"):
        read_command_line(script, ["--epoch", "4"])


def test_help_still_ends_well(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--config FILE", "--recipe {", "--data DIR"):
        assert flag in text
