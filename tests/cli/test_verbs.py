import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import placevec
from placevec import cli, config
from placevec.cli import main

VERBS = {
    "train": ["PLACES", "--validation", "--out", "--model.backbone", "--resume"],
    "describe": ["PHOTOS", "--model", "--out", "--image-size", "--engine", "--precision"],
    "index": ["STORE", "--kind", "--auto", "--recall", "--memory-mb"],
    "search": ["STORE", "PHOTOS", "--model", "--matches", "--radius-m", "--of", "--out"],
    "remove": ["STORE", "NAMES", "--compact"],
    "evaluate": ["PLACES", "--model", "--radius-m", "--json"],
    "group": ["PHOTOS", "--model", "--out", "--threshold", "--precision"],
    "whiten": ["MODEL", "--places", "--dim", "--rank", "--out", "--power", "--max-photos"],
    "crop": ["MODEL", "--dim", "--out"],
    "check": ["PLACES", "--out", "--quick", "--radius-m", "--max-speed-m-s", "--samples"],
    "render": ["town", "model"],
    "collect": ["streetview", "mapillary"],
    "split": ["PLACES", "--by", "--val-share", "--buffer-m", "--model", "--overwrite"],
    "info": ["MODEL", "--image-size"],
    "doctor": ["-h"],
    "loops": ["PHOTOS", "--model", "--out", "--threshold", "--precision", "--exclusion-s"],
    "calibrate": ["PLACES", "--model", "--out", "--precision", "--radius-m"],
    "export": ["MODEL", "--format", "--out", "--resize-inside"],
    "demo": ["--model", "--out"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_runs_a_public_function_of_its_name(verb):
    """Names that are taken aside: `placevec.describe` returns descriptors, `loops` is a room."""
    name = {"describe": "describe_to", "loops": "find_loops"}.get(verb, verb)
    file = {"calibrate": "loops", "crop": "whiten"}.get(verb, verb)
    tree = ast.parse((Path(cli.__file__).parent / f"{file}.py").read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    ((home, alias),) = [
        (node.module, alias)
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == name
    ]
    assert getattr(importlib.import_module(home), name) is getattr(placevec, name)
    called = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    assert (alias.asname or name) in called
    assert name in placevec.__all__ and name in dir(placevec)


@pytest.mark.parametrize(
    ("verb", "settings"),
    [
        ("describe_to", config.DescribeConfig),
        ("index", config.IndexConfig),
        ("search", config.SearchConfig),
        ("evaluate", config.EvaluateConfig),
        ("find_loops", config.LoopsConfig),
        ("calibrate", config.CalibrateConfig),
        ("group", config.GroupConfig),
        ("export", config.ExportConfig),
        ("whiten", config.WhitenModelConfig),
        ("check", config.CheckConfig),
        ("split", config.SplitConfig),
        ("demo", config.DemoConfig),
    ],
)
def test_a_verb_takes_the_settings_of_its_function(verb, settings):
    """`evaluate` judges one model in Python, and `whiten` returns a model without a file, too."""
    parameters = inspect.signature(getattr(placevec, verb)).parameters
    fields = settings.__dataclass_fields__
    others = {"photos", "places", "progress", "store"} | ({"model"} - fields.keys())
    assert parameters.keys() - others == fields.keys() - {"json"} - others
    other_default = {"evaluate": {"model"}, "whiten": {"out"}}.get(verb, set())
    for name in parameters.keys() & fields.keys() - other_default:
        if parameters[name].default is not inspect.Parameter.empty:
            assert parameters[name].default == fields[name].default, name


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_what_a_verb_takes(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for flag in VERBS[verb]:
        assert flag in text
    assert "usage: placevec " + verb in text


def test_help_names_every_verb_and_the_backends(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for word in (*VERBS, "KERAS_BACKEND"):
        assert word in text


def test_the_help_first_says_what_placevec_is(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    description = capsys.readouterr().out.split("\n\n")[1]
    assert description.startswith("placevec turns a photo of a place into a vector")


def test_prints_its_version(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"placevec {placevec.__version__}\n"


def test_help_answers_without_importing_keras():
    code = (
        "import runpy, sys\n"
        "sys.argv = ['placevec', *sys.argv[1:]]\n"
        "try: runpy.run_module('placevec', run_name='__main__')\n"
        "except SystemExit as leave: assert not leave.code\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'faiss', 'cv2', 'pandas', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for arguments in (["--help"], ["train", "--help"]):
        answer = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        assert answer.stdout.startswith("usage: placevec")
        assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["train", "--learning-rat", "0.1"], "--learning-rate"),
        (["train", "--epoch", "3"], "--epochs"),  # no abbreviations
        (["train", "--model.num-cluster", "3"], "--model.num-clusters"),
        (["describe", "photos", "--model", "m.keras", "--image-siz", "48", "64"], "--image-size"),
        (["evaluate", "folder:x", "--model", "m.keras", "--radius", "3"], "--radius-m"),
        (["render", "--seeds", "3"], "--seed"),
        (["trian"], "train"),
        (["train", "--loss", "hinge"], "allpair_hinge"),
    ],
)
def test_refuses_an_unknown_word_and_says_what_is_near(trained, refused, arguments, near):
    assert near in refused(arguments)
    assert trained == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["describe"], ["evaluate"], ["evaluate", "folder:x"], ["info"],
     ["train", "--epochs", "few"], ["train", "--image-size", "48"]],
)  # fmt: skip
def test_refuses_a_command_that_is_not_whole(trained, refused, arguments):
    assert refused(arguments)
    assert trained == []
