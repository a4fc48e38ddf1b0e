import cv2
import numpy as np
import pandas as pd
import pytest

from placevec.retrieval import draw_found


def test_frames_of_videos_are_drawn_and_what_is_gone_stays_white(tmp_path):
    writer = cv2.VideoWriter(
        str(tmp_path / "walk.mkv"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (64, 48)
    )
    writer.write(np.full((48, 64, 3), (0, 0, 200), np.uint8))
    writer.write(np.full((48, 64, 3), (200, 0, 0), np.uint8))
    writer.release()
    found = pd.DataFrame(
        {
            "query": ["walk.mkv#000000"] * 3,
            "rank": [1, 2, 3],
            "match": ["walk.mkv#000001", "gone.mkv#000001", "walk.mkv#000007"],
            "similarity": [0.9, 0.8, 0.7],
        }
    )
    draw_found(found, tmp_path, tmp_path, tmp_path / "found.png")
    pixels = cv2.imread(str(tmp_path / "found.png"))[..., ::-1]
    differences = (np.abs(pixels.astype(int) - color) for color in ((200, 0, 0), (0, 0, 200)))
    red, blue = (int((each.max(axis=2) < 12).sum()) for each in differences)
    assert red > 2000 and red == pytest.approx(blue, rel=0.1)
