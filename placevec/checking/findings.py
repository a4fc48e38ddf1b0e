"""What is wrong with a data set, fault by fault."""

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
    """One kind of fault, and the photos that have it.

    Args:
        kind: str. A few words, such as `"unreadable photos"`.
        count: int. How often it was found.
        message: str. One sentence with the count and the limit that it was held against.
        names: (n,) str. Photos to list.
        detail: callable. Takes a place in `names` and says more about that photo.
    """

    kind: str
    count: int
    message: str
    names: Sequence[str] | NDArray[np.str_] = ()
    detail: Callable[[int], str] = lambda place: ""

    def first(self) -> list[tuple[str, str]]:
        """Returns the first few photos and what is to say about each."""
        return [(str(self.names[i]), self.detail(i)) for i in range(len(self.names))[:_NUM_SHOWN]]


def printable(text: str) -> str:
    """Returns a text of foreign names without what would steer a terminal or is no character."""
    return shown(text, longest=_LONGEST)


def findings_of_missing(missing: Sequence[Missing]) -> list[Finding]:
    """Returns what readers noted: missing files, once if all are, and unknown positions.

    What lies beside the photos and is left out comes first, a finding for each reason.
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
    """Returns what is wrong with the files of photos.

    Args:
        names: (N,) str. The photos.
        conditions: Conditions. Their state.
        near_pairs: (n, 2) int64. Rows of photos that look the same.
    """
    findings = []
    if bad := list(conditions.problems):
        findings.append(
            Finding(
                "unreadable photos",
                len(bad),
                f"{len(bad)} of {counted(len(names), 'file')} cannot be read as a whole photo",
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
    """Returns what is wrong with where and when photos were taken, as far as the data set knows."""
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
        f"{counted(len(jumps.after), 'photo lies', 'photos lie')} too far from the one before in "
        "time, faster than "
        f"{settings.max_speed_m_s:g} m/s",
        lambda i: f"{jumps.speeds_m_s[i]:.1f} m/s from {names[jumps.before[i]]}",
    )
    early = find_times_out_of_order(dataset)
    add(
        "times out of order",
        early,
        f"{counted(len(early), 'photo is', 'photos are')} older than the one before in the "
        "sequence, by name",
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
        f"{counted(len(single), 'place has', 'places have')} one photo only",
    )
    return findings
