"""What the tests of readers share."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.places.dataset import PlaceDataset


def pytest_collection_modifyitems(items):
    """What damages files is a property test, which `-m hypothesis` selects."""
    for item in items:
        if "survives_damage" in item.fixturenames:
            item.add_marker("hypothesis")


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


@pytest.fixture
def survives_damage():
    """Returns a function that damages files of a good set, each in many ways, one at a time.

    Whatever they contain, the reader must give a data set whose photos lie in its folder, or
    refuse in one line.
    """

    def check(read, *paths, texts=()):
        originals = {path: path.read_bytes() for path in paths}
        assert len(read())

        @given(path=st.sampled_from(paths), data=st.data())
        def damage(path, data):
            path.write_bytes(data.draw(_damaged(originals[path], texts)))
            try:
                dataset = read()
            except (ValueError, OSError) as error:
                assert not isinstance(error, UnicodeError)
                assert "\n" not in str(error)
            else:
                assert isinstance(dataset, PlaceDataset)
                root = dataset.root.resolve()
                assert all(each.resolve().is_relative_to(root) for each in dataset.paths())
            finally:
                path.write_bytes(originals[path])

        damage()

    return check


_BAD_TEXTS = (
    "", "nan", "inf", "-1", "1e400", "9" * 30, "../../etc/passwd", "/etc/passwd", "C:\\x", "\0",
    "\n", ",", '"', "\u00e9\u2028", "a\rb",
)  # fmt: skip


@st.composite
def _damaged(draw, original, texts):
    """Returns other bytes: noise, or the good ones with cuts, overwritten parts and bad cells."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        stop = min(start + draw(st.sampled_from([0, 1, 2, 4, 8, 30])), len(data))
        bad = st.sampled_from([*_BAD_TEXTS, *texts]).map(str.encode)
        data[start:stop] = draw(st.one_of(bad, st.binary(max_size=8)))
        if draw(st.integers(0, 4)) == 0:
            del data[draw(st.integers(0, len(data))) :]
    return bytes(data)
