import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_training_script_learns_the_town_without_an_edit(pytestconfig, tmp_path):
    script = pytestconfig.rootpath / "noveou_train_netvlad_v3.py"
    subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True)
    recall = json.loads((tmp_path / "runs" / "town" / "recall.json").read_text())
    assert recall["after"]["1"] > recall["before"]["1"] + 0.2
