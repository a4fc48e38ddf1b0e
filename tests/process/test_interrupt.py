import subprocess
import sys

import pytest

IMPORT_INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
sys.argv[0] = "/usr/bin/placevec"
import placevec.cli
"""


@pytest.mark.parametrize("library", ["wrapt", "tyro"])
def test_ctrl_c_while_libraries_are_imported_is_one_line(library):
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_INTERRUPTED, library], capture_output=True, text=True
    )
    assert (answer.returncode, answer.stderr) == (130, "placevec: stopped\n")


def test_the_library_leaves_ctrl_c_to_those_who_import_it():
    code = (
        "import sys; before = sys.excepthook; import placevec.cli; assert sys.excepthook is before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_other_errors_go_where_they_went(monkeypatch):
    from placevec.process.interrupt import end_quietly_on_interrupt

    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error))
    end_quietly_on_interrupt()
    error = ValueError("a")
    sys.excepthook(ValueError, error, None)
    assert seen == [(ValueError, error, None)]
