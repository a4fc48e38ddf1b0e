import subprocess
import sys

import pytest

SCRIPT = """
import socket
def refuse(*_, **__):
    raise SystemExit("it asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
from placevec.models.engines.openvino_engine import import_openvino
import_openvino()
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__)
"""


def test_reports_nothing_to_anybody():
    """OpenVINO by itself sends its makers a message at each import."""
    pytest.importorskip("openvino")
    answer = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert answer.stdout.strip() == "openvino.tools.ovc.telemetry_stub"


def test_bf16_on_a_processor_without_it_is_refused(saved, monkeypatch):
    openvino = pytest.importorskip("openvino")
    from placevec.models.engines.openvino_engine import load

    class Core:
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino, "Core", Core)
    with pytest.raises(ValueError, match="bf16 needs a CPU with AVX512 or AMX for it"):
        load(saved.parent, "bf16", 2, 2)
