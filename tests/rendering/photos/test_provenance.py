from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from placevec.places import PlaceDataset
from placevec.rendering.cameras.trajectory import Turns
from placevec.rendering.photos.provenance import trajectory_sha256, world_sha256
from placevec.rendering.worlds.world import World

WORLD = World(
    "yard",
    [np.zeros((4, 8, 3), np.uint8)],
    np.array([False]),
    np.arange(9, dtype=np.float32).reshape(1, 3, 3),
    np.zeros((1, 3, 2), np.float32),
    np.ones((1, 3, 3), np.float32),
    np.zeros(1, np.int32),
)


def poses(**changes):
    positions_m = np.array([[1.0, 2.0], [3.0, 4.0]])
    return PlaceDataset(
        Path("drive"), np.array(["a", "b"]), **({"positions_m": positions_m} | changes)
    )


def test_the_name_of_a_model_does_not_count():
    assert world_sha256(replace(WORLD, name="hall")) == world_sha256(WORLD)
    assert len(world_sha256(WORLD)) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"positions_m": WORLD.positions_m + 1},
        {"uvs": WORLD.uvs + 1},
        {"tints": WORLD.tints / 2},
        {"textures": [np.ones((4, 8, 3), np.uint8)]},
        {"textures": [np.zeros((8, 4, 3), np.uint8)]},
        {"origin_m": (1000.0, 0.0, 0.0)},
    ],
)
def test_what_is_drawn_of_a_model_and_where_it_lies_count(changes):
    assert world_sha256(replace(WORLD, **changes)) != world_sha256(WORLD)


def test_each_part_of_a_pose_counts():
    angles = np.array([10.0, 20.0])
    digests = {
        trajectory_sha256(poses(), None),
        trajectory_sha256(poses(positions_m=np.array([[1.0, 2.0], [3.0, 5.0]])), None),
        trajectory_sha256(poses(headings_deg=angles), None),
        trajectory_sha256(poses(altitudes_m=angles), None),
        trajectory_sha256(poses(), Turns(angles, np.zeros(2))),
        trajectory_sha256(poses(), Turns(np.zeros(2), angles)),
    }
    assert len(digests) == 6
    assert trajectory_sha256(poses(), None) in digests
