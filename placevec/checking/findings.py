"""Finds what is wrong with a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import CheckConfig
from placevec.counted import counted
from placevec.images.condition import Conditions
from placevec.input_file import shown
from placevec.places import PlaceDataset
from placevec.places.survey import (
    find_jumps,
    find_places_of_one_photo,
    find_queries_without_positive,
    find_times_out_of_order,
)
from placevec.sources.missing import Missing

_NUM_SHOWN = 5
_LONGEST = 2000  # characters


@dataclass(frozen=True, eq=False)
class Finding:
    """One kind of fault, with the photos that have it.

    Args:
        kind: str. A few words, such as `"unreadable photos"`.
        count: int. How often the fault was found.
        message: str. One sentence with the count and the limit that was used.
        names: (n,) str. The photos to list.
        detail: callable. Takes an index in `names` and returns more about that photo.
    """

    kind: str
    count: int
    message: str
    names: Sequence[str] | NDArray[np.str_] = ()
    detail: Callable[[int], str] = lambda place: ""

    def first(self) -> list[tuple[str, str]]:
        """Returns the first few photos, each with its detail."""
        return [(str(self.names[i]), self.detail(i)) for i in range(len(self.names))[:_NUM_SHOWN]]


def printable(text: str) -> str:
    """Removes from foreign names what would control a terminal or is not a character."""
    return shown(text, longest=_LONGEST)


def findings_of_missing(missing: Sequence[Missing]) -> list[Finding]:
    """Returns what readers noted: missing files and unknown positions.

    Files beside the photos that are left out come first, one finding per reason. If all photos are
    missing, there is one finding for all of them.
    """
    beside = [note for note in missing if note.left_out]
    findings = [Finding("left out", note.count, note.message, note.names) for note in beside]
    for of_files in (True, False):
        noted = [note for note in missing if note.of_files == of_files and not note.left_out]
        if not noted:
            continue
        names = np.concatenate([note.names for note in noted])
        message = "; ".join(note.message for note in noted[:3])
        if len(noted) > 3:
            message += f"; and {len(noted) - 3} more of this kind"
        if not of_files:
            findings.append(Finding("photos without positions", len(names), message, names))
        elif len(names) == sum(note.count for note in noted):
            findings.append(Finding("photos absent", len(names), f"No photo exists. {message}"))
        else:
            findings.append(Finding("missing photos", len(names), message, names))
    return findings


def findings_of_files(
    names: NDArray[np.str_], conditions: Conditions, near_pairs: NDArray[np.int64]
) -> list[Finding]:
    """Returns what is wrong with the files of the photos.

    Args:
        names: (N,) str. Names of the photos.
        conditions: Conditions. What was found in their files.
        near_pairs: (n, 2) int64. Rows of two photos that look the same.
    """
    findings = []
    if bad := list(conditions.problems):
        findings.append(
            Finding(
                "unreadable photos",
                len(bad),
                f"{len(bad)} of {counted(len(names), 'file')} cannot be read as a complete photo",
                names[bad],
                lambda i: conditions.problems[bad[i]],
            )
        )
    groups = conditions.equal_files()
    if groups:
        copies = np.concatenate([group[1:] for group in groups])
        originals = np.concatenate([np.repeat(group[0], len(group) - 1) for group in groups])
        findings.append(
            Finding(
                "equal photos",
                len(copies),
                f"{counted(len(copies), 'file is a copy', 'files are copies')} of another one, "
                "byte for byte",
                names[copies],
                lambda i: f"equals {names[originals[i]]}",
            )
        )
    if len(near_pairs):
        findings.append(
            Finding(
                "nearly equal photos",
                len(near_pairs),
                f"{counted(len(near_pairs), 'pair of photos looks', 'pairs of photos look')} the "
                "same, though their files differ",
                names[near_pairs[:, 1]],
                lambda i: f"looks like {names[near_pairs[i, 0]]}",
            )
        )
    return findings


def findings_of_places(dataset: PlaceDataset, settings: CheckConfig) -> list[Finding]:
    """Returns what is wrong with the positions and times of photos, if the data set has them."""
    names, findings = dataset.names, []

    def add(
        kind: str, rows: NDArray[np.int64], message: str, detail: Callable = lambda i: ""
    ) -> None:
        if len(rows):
            findings.append(Finding(kind, len(rows), message, names[rows], detail))

    jumps = find_jumps(dataset, settings.max_speed_m_s)
    add(
        "jumps",
        jumps.after,
        f"{counted(len(jumps.after), 'photo lies', 'photos lie')} too far from the photo before in "
        "time: the speed would be above "
        f"{settings.max_speed_m_s:g} m/s",
        lambda i: f"{jumps.speeds_m_s[i]:.1f} m/s from {names[jumps.before[i]]}",
    )
    early = find_times_out_of_order(dataset)
    add(
        "times out of order",
        early,
        f"{counted(len(early), 'photo is', 'photos are')} older than the photo before in the "
        "order of names",
    )
    lonely = find_queries_without_positive(dataset, settings.radius_m)
    where = "of their place" if dataset.positions_m is None else f"within {settings.radius_m:g}"
    unit = "" if dataset.positions_m is None else f" {dataset.unit}"
    add(
        "queries without a positive",
        lonely,
        f"{len(lonely)} of {counted(len(dataset.queries), 'query has', 'queries have')} no other "
        "database photo "
        f"{where}{unit}",
    )
    single = find_places_of_one_photo(dataset)
    add(
        "places of one photo",
        single,
        f"{counted(len(single), 'place has', 'places have')} only one photo",
    )
    return findings
