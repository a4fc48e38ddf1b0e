"""What the tests of readers share."""

import contextlib

import pytest

from placevec.places.dataset import PlaceDataset


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


@pytest.fixture
def survives():
    """Returns a function that demands of a reader a data set or an error of one line."""

    def demand(read, path):
        try:
            dataset = read(path)
        except (ValueError, OSError) as error:
            assert "\n" not in str(error)
        else:
            assert isinstance(dataset, PlaceDataset)

    return demand


@pytest.fixture
def damage():
    """Returns a function that sets bytes of a file's content and cuts it off."""

    def damaged(content, edits, length):
        content = bytearray(content)
        for position, byte in edits:
            content[position % len(content)] = byte
        return bytes(content[: length % (len(content) + 1)])

    return damaged
