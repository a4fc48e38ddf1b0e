"""What docs/deploy.md shows is run: Python, C++ and the node for ROS 2."""

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from unittest.mock import create_autospec

import cv2
import numpy as np
import pytest

import placevec
from placevec.config.choices import ENGINES
from placevec.images import read_image
from placevec.loops.scorer import Loop
from placevec.models import open_engine
from placevec.models.files.shipped import PHOTOS_FOLDER, shipped_model, shipped_onnx

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "deploy.md").read_text()
PHOTOS = sorted(PHOTOS_FOLDER.rglob("*.jpg"))

pytestmark = pytest.mark.one_backend


def code_of(heading):
    """Returns the last indented block of a section."""
    section = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", PAGE, re.M | re.S).group(1)
    blocks = re.findall(r"(?:^(?:    .*)?\n)+", section, re.M)
    return "\n".join(line[4:] for line in [b for b in blocks if b.strip()][-1].splitlines())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with the file of tiny in `exported` and a photo."""
    monkeypatch.chdir(tmp_path)
    Path("exported").mkdir()
    shutil.copy(shipped_onnx(shipped_model("tiny")), "exported/model.onnx")
    photo = cv2.imread(str(PHOTOS[0]))
    cv2.imwrite("photo.jpg", cv2.resize(photo, (640, 480), interpolation=cv2.INTER_CUBIC))
    return tmp_path


def by_keras(*photos):
    return open_engine("tiny", engine="keras").describe(list(photos))


def test_python_without_keras(folder):
    pytest.importorskip("onnxruntime")
    names = {}
    exec(code_of("Python without Keras"), names)  # noqa: S102
    photo = cv2.imread("photo.jpg")[..., ::-1]  # a path would be decoded at half the size
    np.testing.assert_allclose(names["descriptor"], by_keras(photo), rtol=0, atol=1e-5)


def test_openvino(folder):
    if ENGINES["openvino"].missing(exporting=False):
        pytest.skip("openvino is not installed")
    from placevec.models.engines.runtimes.openvino_engine import from_onnx

    from_onnx(folder / "exported" / "model.onnx", folder / "exported")
    names = {"pixels": read_image("photo.jpg", image_size=(240, 320))}
    exec(code_of("OpenVINO"), names)  # noqa: S102
    np.testing.assert_allclose(names["descriptor"], by_keras("photo.jpg"), rtol=0, atol=1e-5)


def test_the_node_for_ros_2_prints_loops(folder, monkeypatch, capsys):
    calls = {}
    modules = {
        "rclpy": {
            "init": lambda: None,
            "create_node": lambda name: types.SimpleNamespace(
                create_subscription=lambda kind, topic, call, qos: calls.setdefault(topic, call)
            ),
            "spin": lambda node: None,
        },
        "rclpy.qos": {"qos_profile_sensor_data": 10},
        "sensor_msgs": {},
        "sensor_msgs.msg": {"Image": object},
        "cv_bridge": {"CvBridge": Bridge},
    }
    for name, names in modules.items():
        module = types.ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    detector = create_autospec(placevec.LoopDetector, instance=True)
    detector.add.return_value = [Loop(3, 1, 0.8, 0.4, 1, None, 0.9, True)]
    monkeypatch.setattr(placevec, "LoopDetector", lambda model: detector)
    exec(code_of("ROS 2"), {})  # noqa: S102
    stamp = types.SimpleNamespace(sec=12, nanosec=500_000_000)
    calls["/camera/image_raw"](types.SimpleNamespace(header=types.SimpleNamespace(stamp=stamp)))
    assert capsys.readouterr().out == "3 1 0.9\n"
    (image,), settings = detector.add.call_args
    assert image.shape == (4, 4, 3) and settings == {"time_s": 12.5}


class Bridge:
    def imgmsg_to_cv2(self, message, desired_encoding):
        assert desired_encoding == "rgb8"
        return np.zeros((4, 4, 3), np.uint8)


@pytest.mark.slow
def test_the_c_plus_plus_program_prints_descriptors(tmp_path):
    for name in ("onnxruntime", "tf2onnx"):
        pytest.importorskip(name)
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    build = tmp_path / "build"
    home = os.environ.get("ONNXRUNTIME_DIR", "")
    made = subprocess.run(
        ["cmake", "-S", REPOSITORY / "examples" / "cpp", "-B", build, f"-DONNXRUNTIME_DIR={home}"],
        capture_output=True, text=True,
    )  # fmt: skip
    if missing := re.search(r"Could not find (\S+)|No (CMAKE_CXX_COMPILER)", made.stderr):
        pytest.skip(f"CMake does not find {missing[1] or missing[2]}; ONNXRUNTIME_DIR={home!r}")
    assert made.returncode == 0, made.stderr
    subprocess.run(["cmake", "--build", build], check=True)
    exported = placevec.export("tiny", format="onnx", resize_inside=True, out=tmp_path / "exported")
    run = subprocess.run(
        [build / "describe", exported.path, *PHOTOS[:2]], capture_output=True, text=True, check=True
    )
    received = [[float(each) for each in line.split()] for line in run.stdout.splitlines()]
    np.testing.assert_allclose(received, by_keras(*PHOTOS[:2]), rtol=0, atol=1e-5)
    failed = subprocess.run(
        [build / "describe", exported.path, tmp_path / "none.jpg"], capture_output=True, text=True
    )
    assert failed.returncode == 1 and "must be readable. Received:" in failed.stderr
