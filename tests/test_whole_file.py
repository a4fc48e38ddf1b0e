"""Files that are written as a whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from placevec.whole_file import (
    delete_unfinished,
    make_folder,
    require_free_file,
    require_free_names,
    require_new_folder,
    require_writable,
    whole_file,
    whole_folder,
)


def test_moves_what_was_written(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
        assert unfinished.suffix == ".txt"  # writers that go by the ending take it
    assert (tmp_path / "a.txt").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_deleted_by_the_next_one(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from placevec.whole_file import require_writable, whole_file\n"
        "with whole_file(sys.argv[1]) as unfinished:\n"
        "    unfinished.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.txt")])
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.txt").exists()
    (left,) = tmp_path.iterdir()
    with whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("whole")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"
    left.write_text("half")
    assert delete_unfinished(tmp_path) == 1 and os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_comes_whole_in_place_of_what_was_there(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.txt").write_text("old")
    for text in ("new", "newer"):
        with whole_folder(tmp_path / "a") as unfinished:
            (unfinished / "deep").mkdir()
            (unfinished / "deep" / "b.txt").write_text(text)
            assert (tmp_path / "a" / "old.txt").exists() == (text == "new")
        assert os.listdir(tmp_path) == ["a"] and os.listdir(tmp_path / "a") == ["deep"]
        assert (tmp_path / "a" / "deep" / "b.txt").read_text() == text
    with whole_folder(tmp_path / "b"):
        pass
    (tmp_path / "c").symlink_to(tmp_path / "a")
    with whole_folder(tmp_path / "c"):
        pass
    assert os.listdir(tmp_path / "c") == [] and os.listdir(tmp_path / "a") == ["deep"]


def test_an_error_leaves_the_older_folder_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("a file")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "a") as unfinished:
        (unfinished / "b.txt").write_text("half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "a file"


def test_a_folder_that_a_killed_process_left_is_deleted_by_the_next_one(tmp_path):
    program = (
        "import os, pathlib, signal, sys\n"
        "from placevec.whole_file import whole_folder\n"
        "with whole_folder(pathlib.Path(sys.argv[1])) as unfinished:\n"
        "    (unfinished / 'b.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")])
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.is_dir() and left.name.startswith(".unfinished-")
    with whole_folder(tmp_path / "a") as unfinished:
        assert not left.exists() and delete_unfinished(tmp_path) == 0
        (unfinished / "b.txt").write_text("whole")
    assert os.listdir(tmp_path) == ["a"]


def test_refuses_to_replace_files_that_were_there_before(tmp_path):
    (tmp_path / "a.txt").write_text("mine")
    (tmp_path / "c.txt").symlink_to("nowhere")
    require_free_names(tmp_path, ["b.txt"], overwrite=False)
    require_free_names(tmp_path / "missing", ["a.txt"], overwrite=False)
    require_free_names(tmp_path, ["a.txt"], overwrite=True)
    with pytest.raises(FileExistsError, match="already has a.txt, c.txt. Replace them"):
        require_free_names(tmp_path, ["a.txt", "b.txt", "c.txt"], overwrite=False)
    with pytest.raises(FileExistsError, match="already has a.txt. Replace it with `--overwrite`"):
        require_free_names(tmp_path, ["a.txt"], overwrite=False)


def test_refuses_to_replace_a_file_that_was_there_before(tmp_path):
    require_free_file(tmp_path / "a.txt", overwrite=False)
    (tmp_path / "a.txt").symlink_to("nowhere")
    require_free_file(tmp_path / "a.txt", overwrite=True)
    with pytest.raises(FileExistsError, match="a.txt already exists. Replace it with `--overwr"):
        require_free_file(tmp_path / "a.txt", overwrite=False)


def test_deletes_no_file_that_is_not_a_dead_writers(tmp_path):
    others = {".unfinished-a.txt", ".unfinished-0123456789abcdef-0123456789abcdef.txt", "mine"}
    for name in others:
        (tmp_path / name).write_text("keep")
    with whole_file(tmp_path / "a.txt") as unfinished:
        alive = unfinished.name
        assert delete_unfinished(tmp_path) == 0
        unfinished.write_text("whole")
    (tmp_path / alive).symlink_to(tmp_path / "mine")  # a name that passes, of a link
    assert delete_unfinished(tmp_path) == 0
    (tmp_path / alive).unlink()
    os.link(tmp_path / "mine", tmp_path / alive)
    assert delete_unfinished(tmp_path) == 0
    assert set(os.listdir(tmp_path)) == others | {"a.txt", alive}


def test_follows_no_link_at_the_file_or_at_a_name_that_can_be_guessed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("a.txt", ".unfinished-a.txt"):
        (tmp_path / name).symlink_to(victim)
    with whole_file(tmp_path / "a.txt") as first, whole_file(tmp_path / "a.txt") as second:
        assert first.name != second.name
        first.write_text("new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new" and not (tmp_path / "a.txt").is_symlink()


def test_refuses_an_unfinished_file_that_was_replaced_by_a_link(tmp_path):
    (tmp_path / "victim").write_text("precious")
    with pytest.raises(OSError, match="a.txt could not be written .*replaced"):
        with whole_file(tmp_path / "a.txt") as unfinished:
            unfinished.unlink()
            unfinished.symlink_to(tmp_path / "victim")
    assert os.listdir(tmp_path) == ["victim"]


def test_two_writers_of_one_file_never_mix(tmp_path):
    with whole_file(tmp_path / "a.txt") as first:
        first.write_text("first")
        with whole_file(tmp_path / "a.txt") as second:
            second.write_text("second, longer")
        assert (tmp_path / "a.txt").read_text() == "second, longer"
        assert first.read_text() == "first"
    assert (tmp_path / "a.txt").read_text() == "first"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_permissions_are_those_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "a.txt") as unfinished:
            unfinished.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    name = f"{251 * 'x'}.txt"
    with whole_file(tmp_path / name) as unfinished:
        unfinished.write_text("x")
    assert os.listdir(tmp_path) == [name]


def test_an_error_of_the_system_names_the_file(tmp_path):
    with pytest.raises(OSError, match="a.txt could not be written .No space left") as caught:
        with whole_file(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_needs_its_folder(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        whole_file(tmp_path / "none" / "a.txt") as unfinished,
    ):
        unfinished.write_text("x")


def test_refuses_places_it_cannot_write_to(tmp_path):
    with pytest.raises(ValueError, match="end in .npz. Received: .*d.npy"):
        require_writable(tmp_path / "d.npy", ".npz")
    with pytest.raises(FileNotFoundError, match="There is no folder .*gone for d.npz. Make it"):
        require_writable(tmp_path / "gone" / "d.npz", ".npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder. Name a file"):
        require_writable(tmp_path / "folder.npz", ".npz")
    require_writable(tmp_path / "d.npz", ".npz")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]
    (tmp_path / "file").touch()
    for refuse in (require_new_folder, lambda path: require_writable(path, ".npz")):
        with pytest.raises(NotADirectoryError, match="file must be a folder. Received: a file"):
            refuse(tmp_path / "file" / "d.npz")


def test_refuses_a_read_only_folder(tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)  # root may write everywhere
    with pytest.raises(
        PermissionError, match="must be writable for d.npz. Received: Read-only file"
    ):
        require_writable(tmp_path / "d.npz", ".npz")
    with pytest.raises(PermissionError, match="must be writable for report"):
        require_new_folder(tmp_path / "report")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_refuses_a_folder_of_the_system_which_root_may_not_write_to_either():
    out = Path("/proc/placevec")
    match = "The folder /proc must be writable for placevec. Received: .*Name a path elsewhere"
    with pytest.raises(PermissionError, match=match):
        require_new_folder(out)
    with pytest.raises(PermissionError, match="The folder /proc must be writable for d.npz"):
        require_writable(out.with_name("d.npz"), ".npz")
    with pytest.raises(OSError, match="The folder /proc/placevec cannot be made .No such file"):
        make_folder(out)


def test_refuses_a_file_in_a_file(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(NotADirectoryError, match="a must be a folder. Received: a file"):
        require_writable(tmp_path / "a" / "d.npz", ".npz")
    with pytest.raises(NotADirectoryError, match="a must be a folder. Received: a file"):
        require_new_folder(tmp_path / "a" / "report")


def test_an_error_names_the_one_file_that_could_not_be_written(tmp_path):
    with pytest.raises(OSError, match=r"/inner could not be written \(No space left") as caught:
        with whole_file(tmp_path / "outer"), whole_file(tmp_path / "inner"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC and "outer" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_refuses_a_link_to_nothing_as_a_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(NotADirectoryError, match="must be a folder. Received: a link to nothing"):
        require_new_folder(tmp_path / "link")
    (tmp_path / "gone").mkdir()
    require_new_folder(tmp_path / "link")


def test_a_folder_is_made_once_with_those_above(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", ["taken", "taken/b", "taken/b/c", "link"])
def test_names_the_file_that_keeps_a_folder_from_being_made(tmp_path, name):
    (tmp_path / "taken").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    first = name.partition("/")[0]
    with pytest.raises(NotADirectoryError, match=f"{first} must be a folder. Received: a file"):
        make_folder(tmp_path / name)
