"""Converts positions to another UTM zone: a set's zone may change as photos are added."""

import dataclasses

from placevec.places.dataset import PlaceDataset
from placevec.places.frame import grid_of, is_zone_frame
from placevec.sources.values.utm import degrees_from_metres, metres_from_degrees


def in_zone_of(frame: str | None, photos: PlaceDataset) -> PlaceDataset:
    """Returns photos with positions in the UTM zone of a frame, if both are in UTM zones.

    Args:
        frame: str or None. A frame, such as `"UTM 31U"` or `"local"`.
        photos: PlaceDataset. With or without positions.

    Returns:
        PlaceDataset. The same object if its positions are in that zone, or in no zone.

    Raises:
        ValueError: If a photo is more than 60 degrees of longitude from the zone.

    Example:

    >>> photos = PlaceDataset(".", ["a.jpg"], positions_m=[[275000, 5330000]], frame="UTM 33U")
    >>> there = in_zone_of("UTM 32U", photos)
    >>> there.frame, there.positions_m.round().tolist()
    ('UTM 32U', [[721828.0, 5329876.0]])
    """
    if frame is None or photos.positions_m is None or grid_of(frame) == grid_of(photos.frame):
        return photos
    if not (is_zone_frame(frame) and is_zone_frame(photos.frame)):
        return photos
    degrees = degrees_from_metres(photos.positions_m, photos.frame.removeprefix("UTM "))
    positions_m, _ = metres_from_degrees(*degrees.T, zone=frame.removeprefix("UTM "))
    return dataclasses.replace(photos, positions_m=positions_m, frame=frame)
