import cv2
import numpy as np
import pytest

WALL = np.zeros((8, 8, 3), np.uint8)
WALL[:4, :4], WALL[:4, 4:], WALL[4:, :4] = (255, 0, 0), (0, 255, 0), (0, 0, 255)

OBJ = """mtllib a.mtl
v -2 0 -5
v 2 0 -5
v 2 4 -5
v -2 4 -5
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl m
f 1/1 2/2 3/3 4/4
"""


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes a file of the model's folder, text, bytes or a picture."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, np.ndarray):
            order = [2, 1, 0, 3][: content.shape[2]]
            cv2.imwrite(str(path), content[..., order])
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
        return path

    return write


@pytest.fixture
def wall(write):
    """An OBJ file, y up: a wall 4 m wide and high, 5 m ahead, of four colors."""
    write("wall.png", WALL)
    write("a.mtl", "newmtl m\nKd 1 1 1\nmap_Kd wall.png\n")
    return write("a.obj", OBJ)
