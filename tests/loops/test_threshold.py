import pytest

from placevec.loops.threshold import find_threshold
from placevec.retrieval.calibration import Calibration, loops_score, write_calibrations


def test_a_file_of_other_settings_names_them_as_flags(tmp_path):
    score = loops_score((240, 320), sequence=5, rerank="sift", min_inliers=40)
    learned = Calibration(score, "a town", 9, 9, 0.0, 1.0, 0.0, [{"precision": 0.9, "score": 0.5}])
    path = tmp_path / "t.json"
    write_calibrations(path, "id", [learned])
    assert find_threshold(path, 0.9, score, "id")[0] == 0.5
    other = loops_score((48, 64), sequence=1, rerank=None, min_inliers=None)
    with pytest.raises(ValueError) as caught:
        find_threshold(path, 0.9, other, "id")
    assert str(caught.value) == (
        f"The threshold in {path} was learned with `--of loops --image-size 240 320 --sequence 5 "
        "--rerank sift --min-inliers 40`. Received: `--of loops --image-size 48 64 --sequence 1`. "
        "Use the same settings, or learn a threshold for these with `placevec calibrate`"
    )
