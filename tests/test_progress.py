import re

import pytest

from placevec.cli import progress_bar
from placevec.progress import no_progress


@pytest.mark.parametrize("progress", [no_progress, progress_bar])
def test_gives_every_item_in_order(progress):
    assert list(progress("abc", total=3, unit="photo", desc="describe")) == ["a", "b", "c"]


def test_every_function_that_reports_progress_does_so_in_one_way(pytestconfig):
    types = set()
    for path in (pytestconfig.rootpath / "placevec").rglob("*.py"):
        types |= set(re.findall(r"(?:^ +|, )progress: (\w+)", path.read_text(), re.MULTILINE))
    assert types == {"Progress"}


def test_only_the_command_line_draws_bars(pytestconfig):
    package = pytestconfig.rootpath / "placevec"
    drawing = {path.relative_to(package).as_posix() for path in package.rglob("*.py")
               if "tqdm import" in path.read_text()}  # fmt: skip
    assert drawing == {"cli/surroundings.py"}
