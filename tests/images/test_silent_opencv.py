import ctypes
from threading import Thread

from placevec.images.silent_opencv import listening, silent_opencv

C_LIBRARY = ctypes.CDLL(None)


def say(text):
    """Writes a line to the `stderr` of the C library, as FFmpeg does."""
    stream = ctypes.c_void_p.in_dll(C_LIBRARY, "stderr")
    C_LIBRARY.fprintf(stream, b"%s\n", text)


def enter_and_leave():
    with silent_opencv():
        pass


def test_hears_the_lines_of_decoders_of_this_time_only(capfd):
    for word in (b"one", b"two"):
        with listening() as lines:
            say(word)
        assert lines == [word.decode()]
    with listening() as lines:
        pass
    assert lines == [] and capfd.readouterr().err == ""


def test_listens_among_silent_threads_and_gives_stderr_back(capfd):
    with silent_opencv():
        with listening() as lines:
            thread = Thread(target=enter_and_leave)
            thread.start()
            thread.join()
            say(b"heard")
        say(b"silenced")
    assert lines == ["heard"]
    assert "silenced" not in capfd.readouterr().err
    say(b"loud")
    assert capfd.readouterr().err == "loud\n"
