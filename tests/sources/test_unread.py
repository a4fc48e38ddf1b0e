import re

import pytest

from placevec.sources import open_places
from placevec.sources.unread import UNREAD, find_unread


@pytest.mark.parametrize("unread", UNREAD, ids=lambda unread: unread.files[0])
def test_a_format_that_is_not_read_is_refused_by_its_name(tmp_path, photos, refuses, unread):
    for pattern in unread.files:
        photos("images/a.jpg")
        file = tmp_path / pattern.replace("*", "x")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
        assert f"is of {unread.name}, which is not read" in find_unread(tmp_path)
        with refuses(
            ValueError, f"No reader recognizes .*: {file.name} is of {re.escape(unread.name)}"
        ):
            open_places(str(tmp_path))
        if "/" not in pattern:
            with refuses(ValueError, f"is of {re.escape(unread.name)}"):
                open_places(str(file))
        file.unlink()


def test_other_folders_are_of_no_such_format(photos):
    assert find_unread(photos("a.jpg")) == ""
    assert find_unread(photos("a.jpg") / "absent") == ""
