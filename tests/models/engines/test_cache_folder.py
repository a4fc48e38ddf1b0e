import json
import os
import stat
from pathlib import Path

import pytest

from placevec.models.engines.cache_folder import (
    cache_folder,
    discard,
    read_record,
    require_private,
    write_record,
)

pytestmark = pytest.mark.one_backend


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """The folder that `PLACEVEC_CACHE` names, which is not there yet."""
    path = tmp_path / "cache"
    monkeypatch.setenv("PLACEVEC_CACHE", str(path))
    return path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_is_made_for_this_user_alone(cache):
    umask = os.umask(0)
    try:
        assert cache_folder() == cache / "engines"
    finally:
        os.umask(umask)
    assert mode(cache) == mode(cache / "engines") == 0o700
    assert cache_folder() == cache / "engines"


def test_is_the_users_cache_folder_unless_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACEVEC_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / ".cache"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "placevec" / "engines"


def test_may_be_named_from_where_you_are(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACEVEC_CACHE", "here")
    assert cache_folder() == tmp_path / "here" / "engines"


def link_to_another(cache):
    (cache.parent / "other").mkdir()
    cache.symlink_to(cache.parent / "other")


def link_inside(cache):
    cache.mkdir(0o700)
    (cache.parent / "other").mkdir()
    (cache / "engines").symlink_to(cache.parent / "other")


def link_to_nothing(cache):
    cache.symlink_to(cache.parent / "gone")


def writable_by_all(cache):
    cache.mkdir()
    cache.chmod(0o777)


def writable_by_the_group(cache):
    (cache / "engines").mkdir(parents=True)
    (cache / "engines").chmod(0o770)


def a_file(cache):
    cache.write_text("")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (link_to_another, "cache must be a folder, not a link"),
        (link_to_nothing, "cache must be a folder, not a link"),
        (link_inside, "engines must be a folder, not a link"),
        (writable_by_all, "cache can be written by others; run `chmod go-w"),
        (writable_by_the_group, "engines can be written by others; run `chmod go-w"),
        (a_file, "cache must be a folder. Exports"),
    ],
)
def test_a_folder_that_is_not_the_users_alone_is_passed_over_and_said(cache, caplog, make, reason):
    make(cache)
    folder = cache_folder()
    assert not folder.is_relative_to(cache.parent) or "cache" not in folder.parts
    assert mode(folder) == 0o700
    assert reason in caplog.text and "Set PLACEVEC_CACHE to a folder" in caplog.text
    assert cache_folder() == folder  # the same one, and said once
    assert len(caplog.messages) == 1
    assert not list(cache.parent.glob("other/*"))


def test_a_folder_of_another_user_is_passed_over(cache, caplog, monkeypatch):
    cache.mkdir()
    other = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: other)
    with pytest.raises(PermissionError, match="belongs to another user"):
        require_private(cache, stat.S_ISDIR, "a folder")


@pytest.mark.parametrize("number", [13, 30])
def test_a_read_only_home_is_no_error(cache, caplog, monkeypatch, number):
    mkdir = Path.mkdir

    def refuse(path, *arguments, **options):
        if path == cache:
            raise OSError(number, os.strerror(number))
        return mkdir(path, *arguments, **options)

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    assert cache_folder().is_dir()
    assert os.strerror(number) in caplog.text


def test_a_missing_home_is_no_error(monkeypatch, caplog, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACEVEC_CACHE", "")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("~/.cache/placevec"))
    assert cache_folder().is_dir()
    assert "there is no home folder" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_record_is_written_and_read_by_this_user_alone(tmp_path):
    path = tmp_path / "a.json"
    write_record(path, {"a": [1, 2.5, "x"]})
    assert read_record(path) == {"a": [1, 2.5, "x"]}
    assert mode(path) == 0o600
    path.chmod(0o664)
    with pytest.raises(PermissionError, match="can be written by others"):
        read_record(path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[" * 100_000, "{}", '{"values": [], "sha256": ""}', '{"values": {}, "sha256": 1}'],
)
def test_a_damaged_record_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError):
        read_record(path)


def test_a_changed_record_is_refused(tmp_path):
    path = tmp_path / "a.json"
    write_record(path, {"a": 1})
    record = json.loads(path.read_text())
    record["values"]["a"] = 2
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="a.json is damaged"):
        read_record(path)


def test_a_record_behind_a_link_is_refused(tmp_path):
    write_record(tmp_path / "a.json", {})
    (tmp_path / "b.json").symlink_to("a.json")
    with pytest.raises(PermissionError, match="must be a file, not a link"):
        read_record(tmp_path / "b.json")


def test_discarding_a_link_keeps_what_it_points_to(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").symlink_to(kept)
    (tmp_path / "link").symlink_to(kept)
    for name in ("folder", "link", "gone"):
        discard(tmp_path / name)
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    assert (kept / "a.txt").read_text() == "mine"
