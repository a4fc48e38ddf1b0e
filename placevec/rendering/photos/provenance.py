"""Digests of what photos were rendered from."""

import hashlib

import numpy as np

from placevec.places import PlaceDataset
from placevec.rendering.cameras.trajectory import Turns
from placevec.rendering.worlds.world import World


def world_sha256(world: World) -> str:
    """Returns the SHA-256 of everything that is drawn of a model, and of its origin.

    Args:
        world: World. A loaded model; its name and its files do not count.

    Returns:
        str. 64 hexadecimal digits.
    """
    arrays = (world.positions_m, world.uvs, world.tints, world.texture_of, world.origin_m)
    return _sha256(*arrays, *world.textures)


def trajectory_sha256(places: PlaceDataset, turns: Turns | None) -> str:
    """Returns the SHA-256 of the poses that cameras follow.

    Args:
        places: PlaceDataset. Positions, altitudes and headings of the poses, in order.
        turns: Turns or None. Their pitch and roll.

    Returns:
        str. 64 hexadecimal digits.
    """
    tilts = (None, None) if turns is None else (turns.pitch_deg, turns.roll_deg)
    return _sha256(places.positions_m, places.altitudes_m, places.headings_deg, *tilts)


def _sha256(*arrays: object) -> str:
    digest = hashlib.sha256()
    for each in arrays:
        array = np.empty(0) if each is None else np.ascontiguousarray(each)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()
