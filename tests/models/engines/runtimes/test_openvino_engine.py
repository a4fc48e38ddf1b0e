import ctypes
import subprocess
import sys

import numpy as np
import pytest

from placevec.config.choices import ENGINES

if ENGINES["openvino"].missing(exporting=False):
    pytest.skip("openvino is not installed", allow_module_level=True)

from placevec.models.engines.runtimes import openvino_engine
from placevec.models.engines.runtimes.openvino_engine import MODEL_FILE, import_openvino, load


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


def test_signals_keep_their_stack(tmp_path):
    """Else Ctrl-C, once the network is gone, is a segmentation fault."""
    from openvino import Model, opset13, save_model

    photos = opset13.parameter([-1, -1, -1, 3], np.uint8)
    means = opset13.reduce_mean(opset13.convert(photos, "f32"), np.array([1, 2]), False)
    save_model(Model([means], [photos]), tmp_path / MODEL_FILE)
    before = signal_stack()
    run = load(tmp_path, "float32", 2, 2)
    np.testing.assert_allclose(run(np.full((2, 8, 8, 3), 7, np.uint8)), 7)
    assert signal_stack() == before


def signal_stack():
    stack = openvino_engine._SignalStack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start, stack.flags, stack.size


def test_bf16_on_a_processor_without_it_is_refused(tmp_path, monkeypatch):
    class Core:
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(import_openvino(), "Core", Core)
    with pytest.raises(ValueError, match="bf16 needs a CPU with AVX512 or AMX"):
        load(tmp_path, "bf16", 2, 2)
