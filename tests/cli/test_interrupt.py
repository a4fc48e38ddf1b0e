import subprocess
import sys

IMPORT_INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "tyro":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
import placevec.cli
"""


def test_ctrl_c_while_libraries_are_imported_is_one_line():
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_INTERRUPTED], capture_output=True, text=True
    )
    assert (answer.returncode, answer.stderr) == (130, "placevec: stopped\n")


def test_other_errors_go_where_they_went(monkeypatch):
    from placevec.cli.interrupt import end_quietly_on_interrupt

    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error))
    end_quietly_on_interrupt()
    error = ValueError("a")
    sys.excepthook(ValueError, error, None)
    assert seen == [(ValueError, error, None)]
