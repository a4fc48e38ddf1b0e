import sys

import pytest

from placevec.models.engines import ENGINES

if ENGINES["openvino"].missing(exporting=False):
    pytest.skip("openvino is not installed", allow_module_level=True)

from placevec.models.engines.openvino_engine import import_openvino, load


def test_reports_nothing_to_anybody():
    """OpenVINO by itself sends its makers a message at each import and conversion."""
    import_openvino()
    from openvino.tools.ovc import convert_impl, telemetry_utils

    assert sys.modules["openvino_telemetry"] is None
    for module in (convert_impl, telemetry_utils):
        assert module.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


def test_bf16_on_a_processor_without_it_is_refused(tmp_path, monkeypatch):
    class Core:
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(import_openvino(), "Core", Core)
    with pytest.raises(ValueError, match="bf16 needs a CPU with AVX512 or AMX for it"):
        load(tmp_path, "bf16", 2, 2)
