"""The README is short, and what it says is what happens."""

import functools
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from placevec.cli import main
from placevec.cli.command_line import call_verb

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
PAGES = {path.relative_to(REPOSITORY).as_posix(): path.read_text()
         for path in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
         if path.name != "rendering.md"}  # fmt: skip  # its 3-D models are read with the flags
MOST_WORDS = 700
# What makes a training one of seconds, without a download; flags that come later win.
SMALL = {
    "train": "--model.weights none --model.cut-layer Conv1_relu --model.num-clusters 4 "
    "--image-size 32 48 --epochs 1 --steps-per-epoch 2 --batch-size 2 --num-workers 1",
    "evaluate": "--engine keras",  # no time for an export
    "describe": "--engine keras",
}


def blocks(heading):
    """Returns the indented blocks of a section, each as its lines."""
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", README, re.M | re.S).group(1)
    found = re.findall(r"(?:^    .*\n)+", section, re.M)
    return [[line[4:] for line in block.splitlines()] for block in found]


def carry_out(line, capsys, flags=()):
    _, verb, *arguments = shlex.split(line)
    arguments = [
        str(next(iter(Path().glob(each)), each)) if "*" in each else each for each in arguments
    ]
    try:
        main([verb, *arguments, *(dict(flags).get(verb, "").split())])
    except SystemExit as ended:
        assert verb == "check" and ended.code in (0, 1), f"{line}: {capsys.readouterr().err}"
    return capsys.readouterr().out


def test_is_short():
    """Counted as `wc -w` counts, with code and the bars of tables."""
    assert len(README.split()) <= MOST_WORDS


def test_a_place_is_found_as_the_readme_prints_it(tmp_path, monkeypatch, capsys):
    commands, printed = blocks("Find a place")
    assert len(commands) == 3
    (tmp_path / "placevec").symlink_to(REPOSITORY / "placevec")
    monkeypatch.chdir(tmp_path)
    said = "".join(carry_out(line, capsys) for line in commands).splitlines()
    for line in printed:
        shape = ".*".join(map(re.escape, line.split("...")))
        assert any(re.fullmatch(shape, each) for each in said), line


@pytest.mark.usefixtures("quick_training")
def test_the_six_lines_for_your_own_photos(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder, first in (("train", 0), ("val", 20), ("test", 40), ("known", 40), ("new", 41)):
        path = tmp_path / "photos" / folder
        path.mkdir(parents=True)
        for place in range(first, first + (1 if folder == "new" else 12)):
            coarse = np.random.default_rng(place).integers(0, 256, (6, 8, 3), np.uint8)
            for visit in range(1 if folder in ("known", "new") else 2):
                photo = cv2.resize(coarse, (64, 48)) // (1 + visit)
                cv2.imwrite(str(path / f"@{visit}.0@{60.0 * place}@.jpg"), photo)
    (commands,) = blocks("Your own photos")
    assert len(commands) == 6
    said = {line.split()[1]: carry_out(line, capsys, SMALL) for line in commands}
    assert "after:  recall@1" in said["train"]
    assert re.search(r"recall@1 +\d+\.\d %", said["evaluate"])
    assert said["search"].splitlines()[1].startswith(f"@0.0@{60.0 * 41}@.jpg,1,@0.0@{60.0 * 41}@")
    assert "parameters" in said["info"]


def commands_of(text):
    """Returns the commands of a page that are in indented blocks, without their comments."""
    whole = re.sub(r"\\\n +", "", text)
    found = re.findall(r"^(?:    )+(placevec [a-z].*)$", whole, re.M)
    return [
        [word for word in shlex.split(re.split(r"  +#", line)[0]) if word != "..."]
        for line in found
    ]


@pytest.mark.parametrize("name", [name for name, text in PAGES.items() if commands_of(text)])
def test_every_command_in_the_documents_is_understood(name, monkeypatch):
    called = []

    def only_read(verbs, arguments, **options):
        def recorded(verb):
            @functools.wraps(verb)
            def record(*args, **kwargs):
                called.append(arguments)

            return record

        kept = {verb: recorded(verbs[verb]) for verb in (arguments[0], "demo", "doctor")}
        call_verb(kept, arguments, **options)

    monkeypatch.setattr("placevec.cli.verbs.call_verb", only_read)
    commands = commands_of(PAGES[name])
    for command in commands:
        main(command[1:])
    assert len(called) == len(commands)


def test_the_tree_names_rooms_that_exist():
    (tree,) = [block for block in blocks("The tree") if block[0] == "placevec/"]
    named = {line.split("/")[0].strip() for line in tree if line.startswith("  ")}
    rooms = {path.name for path in (REPOSITORY / "placevec").iterdir()
             if path.is_dir() and path.name[0] not in "_."}  # fmt: skip
    assert named == rooms
