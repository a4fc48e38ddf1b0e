import cv2
import numpy as np
import pandas as pd
import pytest

from placevec.retrieval import Found, draw_found


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
    draw_found(Found(found, tmp_path, tmp_path), tmp_path / "found.png")
    pixels = cv2.imread(str(tmp_path / "found.png"))[..., ::-1]
    differences = (np.abs(pixels.astype(int) - color) for color in ((200, 0, 0), (0, 0, 200)))
    red, blue = (int((each.max(axis=2) < 12).sum()) for each in differences)
    assert red > 2000 and red == pytest.approx(blue, rel=0.1)


def test_lines_join_the_points_of_the_query_and_its_first_match(tmp_path):
    for name in ("query.png", "match.png"):
        cv2.imwrite(str(tmp_path / name), np.full((48, 64, 3), 250, np.uint8))
    found = pd.DataFrame(
        {
            "query": ["query.png"] * 2,
            "rank": [1, 2],
            "match": ["match.png"] * 2,
            "similarity": [0.9, 0.8],
            "inliers": [2, 0],
        }
    )
    shared = np.array([[0.2, 0.5, 0.8, 0.5], [0.5, 0.9, 0.5, 0.9]], np.float32)
    greens = []
    for each in (shared, shared[:0]):
        path = tmp_path / f"{len(each)}.png"
        points = {"query.png": [each, each[:0]]}
        draw_found(Found(found, tmp_path, tmp_path, points), path)
        pixels = cv2.imread(str(path))[..., ::-1].astype(int)
        greens.append(int((pixels[..., 1] > pixels[..., [0, 2]].max(axis=2) + 40).sum()))
    assert greens[0] > 100 and greens[1] == 0
