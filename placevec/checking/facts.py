"""Describes a data set in numbers."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.condition import Conditions
from placevec.places import PlaceDataset
from placevec.places.frame import is_zone_frame
from placevec.sources.values.times import LONGEST_FROM_ZERO_S
from placevec.sources.values.utm import degrees_from_metres

_NUM_SIZES = 5


def facts_of_places(dataset: PlaceDataset) -> list[tuple[str, str]]:
    """Returns counts and the known properties of the photos, as (what, value)."""
    facts = [
        ("folder", str(dataset.root)),
        ("photos", f"{len(dataset)}"),
        (
            "roles",
            f"{counted(len(dataset.queries), 'query', 'queries')}, {len(dataset.database)} in "
            "the database",
        ),
        ("positions", _extent(dataset)),
        *_middle(dataset),
    ]
    for what, values in (
        ("headings", dataset.headings_deg),
        ("altitudes", dataset.altitudes_m),
        ("fields of view", dataset.fields_of_view_deg),
    ):
        if values is not None:
            facts.append((what, f"of {counted(int((~np.isnan(values)).sum()), 'photo')}"))
    if dataset.times_s is not None:
        known_s = dataset.times_s[~np.isnan(dataset.times_s)]
        facts.append(("times", _span(known_s, from_zero=dataset.unit == "frames")))
    for what, ids in (("places", dataset.place_ids), ("sequences", dataset.sequence_ids)):
        if ids is not None:
            known = ids[ids != -1]
            facts.append((what, f"{len(np.unique(known))}, of {counted(len(known), 'photo')}"))
    return facts


def facts_of_files(conditions: Conditions) -> list[tuple[str, str]]:
    """Returns the sizes of photos and files, as (what, value)."""
    sizes, counts = np.unique(conditions.sizes, axis=0, return_counts=True)
    usual = np.argsort(-counts, kind="stable")
    usual = usual[sizes[usual].min(axis=1) > 0]
    texts = [f"{sizes[i][0]}x{sizes[i][1]} ({counts[i]})" for i in usual[:_NUM_SIZES]]
    if len(usual) > _NUM_SIZES:
        texts.append(counted(len(usual) - _NUM_SIZES, "other size"))
    facts = [("rows x columns", ", ".join(texts) or "none can be read")]
    num_bytes = conditions.num_bytes[conditions.num_bytes > 0]  # A frame of a video has no file.
    if len(num_bytes):
        low, middle, high = np.percentile(num_bytes, [0, 50, 100]) / 1e3
        sizes_text = f"smallest {low:.1f} kB, median {middle:.1f} kB, largest {high:.1f} kB"
        facts.append(("files", f"{len(num_bytes)}, {num_bytes.sum() / 1e6:.1f} MB; {sizes_text}"))
    return facts


def _extent(dataset: PlaceDataset) -> str:
    if dataset.positions_m is None:
        return "none" if (dataset.place_ids == -1).all() else "none, places are known by identity"
    east_m, north_m = np.ptp(dataset.positions_m, axis=0) if len(dataset) else (0, 0)
    if dataset.frame == "frames":
        return f"frames 0 to {dataset.positions_m[:, 0].max(initial=0):.0f}"
    unit = dataset.unit
    return (
        f"{dataset.frame}, {east_m:.1f} {unit} from west to east, {north_m:.1f} {unit} from south "
        "to north"
    )


def _middle(dataset: PlaceDataset) -> list[tuple[str, str]]:
    """Returns the middle of the positions as a fact, if their place on the Earth is known."""
    if dataset.positions_m is None or not len(dataset) or not is_zone_frame(dataset.frame):
        return []
    zone = dataset.frame.removeprefix("UTM ")
    ((lat, lon),) = degrees_from_metres(np.median(dataset.positions_m, axis=0)[None], zone)
    sides = "NS"[int(lat < 0)], "EW"[int(lon < 0)]
    return [("middle", f"{abs(lat):.4f} {sides[0]}, {abs(lon):.4f} {sides[1]}")]


def _span(times_s: NDArray[np.float64], *, from_zero: bool) -> str:
    if not len(times_s):
        return "none"
    # The times are seconds since the start of a video or a SLAM run, or numbers of traverses.
    if from_zero or ((times_s >= 0) & (times_s <= LONGEST_FROM_ZERO_S)).all():
        return (
            f"of {counted(len(times_s), 'photo')}, {times_s.min():.10g} s to {times_s.max():.10g} s"
        )
    ends = []
    for time_s in (times_s.min(), times_s.max()):
        try:
            ends.append(f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S}")
        except (ValueError, OverflowError, OSError):
            ends.append(f"{time_s:g} s")
    return f"of {counted(len(times_s), 'photo')}, {ends[0]} to {ends[1]}"
