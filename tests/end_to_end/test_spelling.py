"""One spelling of a word, one name of the logger, in every text that the project has."""

import re

import pytest

SPELLINGS = {
    r"(?<![a-z])anew\b": "again",
    r"\black(s|ing)?\b": "is missing, or does not have",
    r"\bso many\b": "this many",
    r"\bhangs? on\b": "depends on, or is within noise",
    r"\bthe mains\b": "power loss",
    r"\bby hand\b": "manually",
    r"\bin silence\b": "silently",
    r"(?<!word )(?<!word for )\bin words\b(?!\W*[\[).:]| if)": "as text",
    r"\bstep sizes?\b": "learning rate",
    r"\bmade (town|photo|street|world)s?\b": "synthetic",
    r"\bfilms?\b": "video",
    r"\bpassed over\b": "skipped",
    r"\bone a line\b": "one per line",
    r"\b(is|are) there already\b": "already exists",
    r"\bis no whole\b": "is not a complete",
    r"\bgoing on from\b": "resuming from",
    "artefact": "artifact",
    "behaviour": "behavior",
    "centre": "center",
    "colour": "color",
    "favour": "favor",
    "grey": "gray",
    "honour": "honor",
    "initialis": "initializ",
    "learnt": "learned",
    "minimis": "minimiz",
    "neighbour": "neighbor",
    "normalis": "normaliz",
    "optimis": "optimiz",
    "quantis": "quantiz",
    "recognis": "recogniz",
    "serialis": "serializ",
    "storey": "floor",
    "synchronis": "synchroniz",
    r"\bmeters?\b": "metre",
    r"\btowards\b": "toward",
}
SUFFIXES = {".cff", ".cfg", ".md", ".py", ".toml", ".yaml", ".yml"}
FOLDERS = ("benchmarks", "docs", "placevec", "tests")


@pytest.fixture(scope="module")
def texts(pytestconfig):
    """Text of each file of the project but this one, by name."""
    root = pytestconfig.rootpath
    paths = [*root.iterdir(), *(path for name in FOLDERS for path in (root / name).rglob("*"))]
    texts = {path.relative_to(root).as_posix(): path.read_text() for path in paths
             if path.suffix in SUFFIXES and path.is_file()}  # fmt: skip
    del texts["tests/end_to_end/test_spelling.py"]
    return texts


@pytest.mark.parametrize(("wrong", "right"), SPELLINGS.items())
def test_every_word_has_one_spelling(texts, wrong, right):
    found = [f"{name}:{number}" for name, text in texts.items()
             for number, line in enumerate(text.splitlines(), 1)
             if re.search(wrong, line, re.IGNORECASE)]  # fmt: skip
    assert not found, f"write `{right}`"


def test_the_logger_has_one_name(texts):
    made = [(name, line) for name, text in texts.items() if name.startswith("placevec/")
            for line in text.splitlines() if "getLogger(__name__)" in line]  # fmt: skip
    assert len(made) > 50
    assert {line for _, line in made} == {"_log = logging.getLogger(__name__)"}
