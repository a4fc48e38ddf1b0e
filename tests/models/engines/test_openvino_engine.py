import subprocess
import sys

import pytest

from placevec.models.engines import ENGINES

if ENGINES["openvino"].missing(exporting=False):
    pytest.skip("openvino is not installed", allow_module_level=True)

from placevec.models.engines import openvino_engine
from placevec.models.engines.openvino_engine import import_openvino, load


def test_reports_nothing_to_anybody():
    """OpenVINO by itself sends its makers a message at each import and conversion."""
    import_openvino()
    from openvino.tools.ovc import convert_impl, telemetry_utils

    assert sys.modules["openvino_telemetry"] is None
    for module in (convert_impl, telemetry_utils):
        assert module.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


FIRST_CALLS = """
import importlib.util
import sys
import threading
import types

# That file needs Keras for the name of a type alone, and Keras takes seconds to import.
sys.modules["keras"] = types.SimpleNamespace(Model=object)
spec = importlib.util.spec_from_file_location("openvino_engine", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
openvino, together = module.import_openvino(), threading.Barrier(4)

def call():
    together.wait()
    openvino.Type.u8.to_dtype()

threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(10)
print(sum(thread.is_alive() for thread in threads), "threads wait for ever", flush=True)
"""


@pytest.mark.one_backend
def test_first_calls_of_several_threads_do_not_wait_for_each_other():
    for _ in range(3):
        answer = subprocess.run(
            [sys.executable, "-c", FIRST_CALLS, openvino_engine.__file__],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert answer.stdout == "0 threads wait for ever\n", answer.stderr


def test_a_signal_finds_its_stack_after_a_network_is_gone():
    """In a process of its own, since it ended in a segmentation fault."""
    code = (
        "import faulthandler, gc, os, signal; faulthandler.enable()\n"
        "import numpy as np\n"
        "from placevec.models.engines import openvino_engine\n"
        "import openvino; from openvino import opset13 as ops; from pathlib import Path\n"
        "import sys, tempfile\n"
        "photos = ops.parameter([-1, -1, -1, 3], np.uint8)\n"
        "means = ops.reduce_mean(ops.convert(photos, 'f32'), np.array([1, 2]), False)\n"
        "folder = Path(tempfile.mkdtemp())\n"
        "openvino.save_model(openvino.Model([means], [photos]), folder / 'model.xml')\n"
        "run = openvino_engine.load(folder, 'float32', 2, 2)\n"
        "run(np.zeros((1, 8, 8, 3), np.uint8)); del run; gc.collect()\n"
        "signal.signal(signal.SIGINT, lambda *_: print('heard', flush=True))\n"
        "os.kill(os.getpid(), signal.SIGINT)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert answer.stdout == "heard\n", (answer.returncode, answer.stderr[-500:])


def test_bf16_on_a_processor_without_it_is_refused(tmp_path, monkeypatch):
    class Core:
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(import_openvino(), "Core", Core)
    with pytest.raises(ValueError, match="bf16 needs a CPU with AVX512 or AMX for it"):
        load(tmp_path, "bf16", 2, 2)
