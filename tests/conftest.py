"""What all tests share."""

import os
from pathlib import Path

import pytest

import placevec  # noqa: F401 - before Keras, as users import it, for TensorFlow's oneDNN

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("PLACEVEC_DATA", REPOSITORY.parent / "shared" / "data"))

RUN_ONCE = (
    "checking", "cli", "collecting", "config", "end_to_end", "images", "places", "recipes",
    "rendering", "retrieval", "sources",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Exports of models go to a folder of the tests, not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACEVEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data():
    """Returns a function from a path inside the development data to its place on disk."""

    def find(*parts: str) -> Path:
        path = SHARED_DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"development data {'/'.join(parts)} is not at {SHARED_DATA}")
        return path

    return find


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What never sees Keras, or only hands it on, is tested once, not once a backend."""
    folders = [REPOSITORY / "tests" / name for name in RUN_ONCE]
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in folders):
            item.add_marker("one_backend")
