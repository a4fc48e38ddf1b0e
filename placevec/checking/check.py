"""Checks a data set and writes a report."""

import csv
import itertools
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.checking.drawings import draw_headings, draw_map, map_caption
from placevec.checking.facts import facts_of_files, facts_of_places
from placevec.checking.findings import (
    Finding,
    findings_of_files,
    findings_of_missing,
    findings_of_places,
    printable,
)
from placevec.checking.page import page
from placevec.checking.samples import Samples, draw_samples
from placevec.checking.splits import PhotoSplits, findings_of_splits, splits_of
from placevec.config import CheckConfig
from placevec.config.refusals import need_used
from placevec.counted import counted
from placevec.images.condition import Conditions, conditions_of
from placevec.input_file import open_input, shown
from placevec.kinds import is_store
from placevec.places import SPLITS, PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.sources.files import files_there
from placevec.sources.missing import Missing, note_missing
from placevec.sources.registry import READERS, find_reader, open_places, recognize_reader
from placevec.sources.tables.exif import recognize_exif
from placevec.sources.tables.rows.csv_file import csv_cell
from placevec.sources.walk import list_photos, some_photos
from placevec.store import StoreReport, check_store
from placevec.whole_file import make_folder, require_free_file, require_writable, whole_file

_log = logging.getLogger(__name__)
_COLUMNS = ("file", "finding", "detail")
_LONGEST_HEADER = 256  # bytes


@dataclass(frozen=True, eq=False)
class Report:
    """What a check found in a data set. As text, it is what the command line prints.

    Args:
        title: str. The data set, as you named it.
        facts: list of (what, value). Format, counts and sizes.
        findings: list of Finding. Empty if there is no fault.
        out: Path. The `.html` file. A `.csv` file beside it lists every photo of every finding.
    """

    title: str
    facts: list[tuple[str, str]]
    findings: list[Finding]
    out: Path

    def __str__(self) -> str:
        width = max(len(what) for what, _ in self.facts)
        lines = [f"{what:{width}}  {value}" for what, value in self.facts]
        lines.append(f"findings: {len(self.findings) or 'none'}")
        for finding in self.findings:
            lines.append(f"- {finding.kind}: {finding.message}")
            lines += [f"    {name}{detail and f': {detail}'}" for name, detail in finding.first()]
        lines.append(f"report: {self.out}, {self.out.with_suffix('.csv')}")
        return "\n".join(map(printable, lines))


def check(
    places: str | Path,
    *,
    out: Path | str | None = CheckConfig.out,
    overwrite: bool = CheckConfig.overwrite,
    quick: bool = CheckConfig.quick,
    radius_m: float = CheckConfig.radius_m,
    negative_radius_m: float | None = CheckConfig.negative_radius_m,
    max_heading_difference_deg: float | None = CheckConfig.max_heading_difference_deg,
    max_speed_m_s: float = CheckConfig.max_speed_m_s,
    duplicate_bits: int = CheckConfig.duplicate_bits,
    buffer_m: float | None = CheckConfig.buffer_m,
    samples: int = CheckConfig.samples,
    seed: int = CheckConfig.seed,
    num_workers: int = CheckConfig.num_workers,
    progress: Progress = no_progress,
) -> Report | StoreReport:
    """Reads a data set, looks at every photo and writes a report, or checks the files of a store.

    Missing photos and positions are noted, not refused (see `note_missing`), and the rest is
    checked. Memory grows by a few hundred bytes per photo.

    Args:
        places: str or Path. A path or `READER:PATH`, as in `open_places`; or a store, see
            `check_store`.
        out: Path or None. File or folder for the report. See `CheckConfig`, as for the others.
        overwrite: bool. Replace an earlier report.
        quick: bool. Read only the headers and ends of photos.
        radius_m: float. Largest distance of a positive, in metres.
        negative_radius_m: float or None. Negatives of the sample tuples are farther than this.
        max_heading_difference_deg: float or None. Largest difference of headings of a positive.
        max_speed_m_s: float. Consecutive photos that are farther apart than this speed allows are
            reported.
        duplicate_bits: int. Bits in which fingerprints of nearly equal photos may differ.
        buffer_m: float or None. Minimum distance between photos of two splits, in metres.
        samples: int. Number of sample tuples to draw.
        seed: int. Seed of the sample tuples.
        num_workers: int. Threads that read photos.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Report, or StoreReport for a store.

    Raises:
        FileExistsError: If the file at `out` exists, and `overwrite` is not set.
        OSError: If the path is missing, or the report cannot be written.
        ValueError: If no reader recognizes the path, the data set cannot be read at all, or a
            setting is given for a store.
    """
    settings = CheckConfig(
        out=None if out is None else Path(out),
        overwrite=overwrite,
        quick=quick,
        radius_m=radius_m,
        negative_radius_m=negative_radius_m,
        max_heading_difference_deg=max_heading_difference_deg,
        max_speed_m_s=max_speed_m_s,
        duplicate_bits=duplicate_bits,
        buffer_m=buffer_m,
        samples=samples,
        seed=seed,
        num_workers=num_workers,
    )
    if is_store(Path(places)):
        for name in vars(settings):
            need_used(settings, name, False, "a store, whose check is only printed")
        return check_store(Path(places))
    return _check_photos(str(places), settings, progress)


def _check_photos(places: str, settings: CheckConfig, progress: Progress) -> Report:
    start = time.perf_counter()
    out = _report_path(settings)  # Refuse a bad path before the long work.
    with note_missing() as missing:
        form, dataset = _open(places, missing)
    if settings.out is None:
        _refuse_among_photos(out, dataset.root)
    make_folder(out.parent)
    facts = [("data set", places), ("format", form), *facts_of_places(dataset)]
    findings = findings_of_missing(missing)
    splits = splits_of(dataset)
    there = files_there(dataset.root, dataset.names)
    samples, same_pairs = None, np.empty((0, 2), dtype=np.int64)
    if there.any():
        rows = np.flatnonzero(there)
        conditions = conditions_of(
            dataset.root,
            dataset.names[rows],
            decode=not settings.quick,
            num_workers=settings.num_workers,
            progress=progress,
        )
        near_pairs = conditions.nearly_equal(settings.duplicate_bits)
        if splits is not None:
            same_pairs = rows[conditions.same_across(splits.ids[rows], settings.duplicate_bits)]
        facts += facts_of_files(conditions)
        findings += findings_of_files(dataset.names[rows], conditions, near_pairs)
        samples = _samples(dataset, rows, conditions, settings)
    findings += findings_of_places(dataset, settings)
    if splits is not None:
        counts = [f"{split} {(splits.ids == i).sum()}" for i, split in enumerate(SPLITS)]
        facts.append(("splits", ", ".join(counts)))
        buffer_m = splits.buffer_m if settings.buffer_m is None else settings.buffer_m
        findings += findings_of_splits(dataset, splits, same_pairs, buffer_m)
    report = Report(places, facts, findings, out)
    drawings = _drawings(dataset, splits)
    with whole_file(out) as unfinished:
        unfinished.write_text(page(report.title, facts, findings, drawings, samples), "utf-8")
    _write_list(findings, out.with_suffix(".csv"))
    _log.info("%s checked in %.1f s", counted(len(dataset), "photo"), time.perf_counter() - start)
    return report


def _open(places: str, missing: list[Missing]) -> tuple[str, PlaceDataset]:
    """Returns format and data set. If no reader recognizes the path, it has only the photos."""
    path = Path(places).expanduser()
    if path.is_dir() and recognize_reader(path) is None and some_photos(path):
        if recognize_exif(path, whole=True):
            return _open(f"exif:{path}", missing)
        names = np.array(list_photos(path))
        missing.append(
            Missing(
                names, len(names), f"None of {counted(len(names), 'photo')} has a position", False
            )
        )
        unknown = np.full(len(names), -1)
        form = "no reader recognizes it: photos without positions"
        return form, PlaceDataset(path, names, place_ids=unknown, is_query=unknown > 0)
    reader, path = find_reader(places)
    dataset = open_places(places, skip_unreadable=True)
    why = READERS[reader].recognize(path)
    return f"{reader}{why and f': {why}'}", dataset


def _report_path(settings: CheckConfig) -> Path:
    """Returns the file to write, or refuses it if it cannot be written."""
    given = Path() if settings.out is None else settings.out.expanduser()
    out = given
    if out.is_dir() or out.suffix != ".html":
        out = out / "check.html"
        if not settings.overwrite:
            out = _free_name(out)
    if out.parent.is_dir() or out == given:
        require_writable(out, ".html")
    require_free_file(out, overwrite=settings.overwrite)
    _refuse_other_tables(out.with_suffix(".csv"))
    return out


def _refuse_among_photos(out: Path, root: Path) -> None:
    if out.resolve().is_relative_to(root.resolve()):
        raise ValueError(
            f"The report would lie among the photos of {root}. Run placevec in another folder, or "
            "name another file with `--out`"
        )


def _free_name(out: Path) -> Path:
    """Returns the first of check.html, check-2.html and so on that does not exist yet."""
    names = itertools.chain([out.name], (f"{out.stem}-{i}{out.suffix}" for i in itertools.count(2)))
    paths = map(out.with_name, names)
    return next(each for each in paths if not (each.exists() or each.with_suffix(".csv").exists()))


def _refuse_other_tables(path: Path) -> None:
    """Refuses to write the list of findings over a different table."""
    if not path.exists():
        return
    with open_input(path, max_bytes=sys.maxsize) as file:
        if file.readline(_LONGEST_HEADER).strip() != ",".join(_COLUMNS).encode():
            raise FileExistsError(
                f"The list of findings would replace {path}. Name another file with `--out`"
            )


def _samples(
    dataset: PlaceDataset, rows: NDArray[np.int64], conditions: Conditions, settings: CheckConfig
) -> Samples | None:
    """Draws tuples from those of the photos at `rows` that can be decoded."""
    whole = np.setdiff1d(np.arange(len(rows)), list(conditions.problems))
    if not settings.samples or not len(whole):
        return None
    return draw_samples(dataset.take(rows[whole]), settings)


def _drawings(dataset: PlaceDataset, splits: PhotoSplits | None) -> list[tuple[str, str]]:
    """Returns each drawing as an `<svg>` element and its caption."""
    ids = None if splits is None else splits.ids
    drawings = []
    if dataset.positions_m is not None and len(dataset):
        drawings.append((draw_map(dataset, ids), map_caption(dataset, by_split=ids is not None)))
    if dataset.headings_deg is not None:
        known = dataset.headings_deg[~np.isnan(dataset.headings_deg)]
        drawings.append((draw_headings(known), "How many photos look in each direction."))
    return drawings


def _write_list(findings: list[Finding], path: Path) -> None:
    with (
        whole_file(path) as unfinished,
        open(unfinished, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for finding in findings:
            if not len(finding.names):
                writer.writerow(("", finding.kind, shown(finding.message)))
            for i, name in enumerate(finding.names):
                cell = csv_cell(shown(name), is_file=True)
                writer.writerow((cell, finding.kind, csv_cell(shown(finding.detail(i)))))
