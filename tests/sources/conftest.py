"""What the tests of readers share."""

import contextlib

import pytest


@pytest.fixture
def photos(tmp_path):
    """Returns a function that writes files which pass for photos, and returns their folder."""

    def write(*names, content=b"photo"):
        for name in names:
            path = tmp_path / name
            assert path.is_relative_to(tmp_path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path

    return write


@pytest.fixture
def refuses():
    """Returns a context that demands an error of one line."""

    @contextlib.contextmanager
    def demand(error, match):
        with pytest.raises(error, match=match) as caught:
            yield
        assert "\n" not in str(caught.value)

    return demand
