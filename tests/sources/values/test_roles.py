import numpy as np
import pytest

from placevec.sources.registry import open_places
from placevec.sources.values.roles import role_of, roles_of


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("query/a.jpg", "query"),
        ("x/Queries/y/a.jpg", "query"),
        ("DATABASE/a.jpg", "database"),
        ("query/database/a.jpg", "database"),
        ("a.jpg", "both"),
        ("query.jpg", "both"),
        ("my_query/a.jpg", "both"),
    ],
)
def test_the_innermost_folder_gives_the_role(name, role):
    assert role_of(name) == role


def test_a_stated_role_precedes_the_folder():
    names = np.array(["query/a.jpg", "query/b.jpg", "database/c.jpg", "d.jpg"])
    roles = roles_of(names, np.array(["both", "", "query", ""]))
    assert roles["is_query"].tolist() == [True, True, True, True]
    assert roles["is_database"].tolist() == [True, False, False, True]


POSES = "".join(f"{t} {t} 0 0 -0.5 0.5 -0.5 0.5\n" for t in (1, 2))
ROWS = "file,east,north\nquery/1.jpg,0,0\ndatabase/2.jpg,1,0\n"
FRAMES = "1 query/1.jpg\n2 database/2.jpg\n"
TWO = {"query/1.jpg": (True, False), "database/2.jpg": (False, True)}


@pytest.mark.parametrize(
    ("places", "files"),
    [
        ("table:{root}", {"t.csv": ROWS}),
        ("table:{root}", {"t.csv": "file,place\nquery/1.jpg,0\ndatabase/2.jpg,1\n"}),
        ("folder:{root}", {"positions.csv": ROWS}),
        ("tum:{root},up=z", {"groundtruth.txt": POSES, "rgb.txt": FRAMES}),
        ("tum:{root}/t.txt,images={root},up=z", {"t.txt": POSES}),
        (
            "colmap:{root},images={root},up=-y",
            {
                "cameras.txt": "1 SIMPLE_PINHOLE 640 480 320 320 240\n",
                "images.txt": "1 1 0 0 0 0 0 0 1 query/1.jpg\n\n"
                "2 1 0 0 0 1 0 0 1 database/2.jpg\n\n",
            },
        ),
    ],
)  # fmt: skip
def test_roles_by_folder_hold_for_all_readers(photos, places, files):
    root = photos(*TWO)
    for name, text in files.items():
        (root / name).write_text(text)
    dataset = open_places(places.format(root=root))
    roles = zip(dataset.is_query.tolist(), dataset.is_database.tolist(), strict=True)
    assert dict(zip(dataset.names.tolist(), roles, strict=True)) == TWO


def test_roles_by_folder_hold_for_drives_of_kitti(photos):
    root = photos("sequences/query/image_0/0.png", "sequences/database/image_0/0.png",
                  "poses/query.txt", "poses/database.txt",
                  content=b"1 0 0 0 0 1 0 0 0 0 1 0\n")  # fmt: skip
    dataset = open_places(f"kitti:{root},apart_m=5")
    assert dataset.names.tolist() == ["database/image_0/0.png", "query/image_0/0.png"]
    assert dataset.is_query.tolist() == [False, True]
    assert dataset.is_database.tolist() == [True, False]
