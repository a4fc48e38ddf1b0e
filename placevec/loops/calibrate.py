"""Learns a threshold from photos whose positions are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from placevec.config import CalibrateConfig
from placevec.config import Engine as EngineName
from placevec.config.choices import Hubness, Normalization, Reranker
from placevec.counted import counted
from placevec.evaluation.measures.threshold import Threshold
from placevec.loops.judge_search import judge_search
from placevec.loops.judged import JudgedMatches
from placevec.loops.run import Run, describe_run, score_of
from placevec.models.describe import Model
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.calibration import search_score, write_calibrations
from placevec.retrieval.described import describe_dataset, open_model
from placevec.sources import open_places
from placevec.whole_file import require_free_file, require_writable


@dataclass(frozen=True)
class Calibrated:
    """A threshold and what it was learned from. As text, a sentence for people.

    Args:
        threshold: Threshold.
        num_matches: int. Number of matches that it was learned from.
        out: Path. File that it was written to.
    """

    threshold: Threshold
    num_matches: int
    out: Path

    def __str__(self) -> str:
        found, share = self.threshold, 100 * self.threshold.precision
        return (
            f"threshold {found.score:.4g}: it accepts {found.num_accepted} of "
            f"{counted(self.num_matches, 'match', 'matches')}, {found.num_wrong} of them wrong, "
            f"recall {100 * found.recall:.1f} %. For photos like these, at least {share:g} % of "
            f"the accepted matches are right (with 95 % confidence). Written to {self.out}"
        )


def calibrate(
    places: PlaceDataset | Path | str,
    model: Model | Path | str | None = CalibrateConfig.model,
    *,
    out: Path | str = CalibrateConfig.out,
    overwrite: bool = CalibrateConfig.overwrite,
    of: Literal["loops", "search"] = CalibrateConfig.of,
    precision: float = CalibrateConfig.precision,
    radius_m: float = CalibrateConfig.radius_m,
    wrong_beyond_m: float | None = CalibrateConfig.wrong_beyond_m,
    exclusion_frames: int | None = CalibrateConfig.exclusion_frames,
    exclusion_s: float | None = CalibrateConfig.exclusion_s,
    exclusion_m: float | None = CalibrateConfig.exclusion_m,
    sequence: int = CalibrateConfig.sequence,
    rerank: Reranker | None = CalibrateConfig.rerank,
    min_inliers: int | None = CalibrateConfig.min_inliers,
    normalize: Normalization = CalibrateConfig.normalize,
    hubness: Hubness = CalibrateConfig.hubness,
    image_size: tuple[int, int] | None = CalibrateConfig.image_size,
    batch_size: int | None = CalibrateConfig.batch_size,
    engine: EngineName = CalibrateConfig.engine,
    progress: Progress = no_progress,
) -> Calibrated:
    """Learns the gap above which matches are right with a given precision.

    The photos are matched as in `find_loops` with the same settings, or as `search` looks them up.
    Positions say which matches are right. A photo that closes no loop counts, too: its match is
    wrong. For searches, each query is looked up a second time without its right answers.

    Args:
        places: PlaceDataset, or READER:PATH. Photos of a run with positions, some of which show a
            place again. If queries and database are not the same photos, the queries are a second
            run that follows the database.
        model: Path or str. File or name of a model, or an Engine.
        out: Path. A `.json` file, which `find_loops` and `LoopDetector` read. See
            `CalibrateConfig`, as for the others.
        overwrite: bool. Replace an earlier file at `out`.
        of: str. `"loops"`, or `"search"` for answers of `search`, adapted to the map by its mean.
            With `"search"`, the settings from `exclusion_frames` to `hubness` do not apply.
        precision: float. Precision to promise.
        radius_m: float. Largest distance of a right match.
        wrong_beyond_m: float or None. Smallest distance of a wrong match.
        exclusion_frames: int or None. See `find_loops`, as for the next seven.
        exclusion_s: float or None.
        exclusion_m: float or None.
        sequence: int.
        rerank: str or None.
        min_inliers: int or None.
        normalize: str.
        hubness: str.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. Library that runs the model, if `model` is a file.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Calibrated.

    Raises:
        FileExistsError: If `out` exists, and `overwrite` is not set.
        FileNotFoundError: If the photos or the model are missing.
        ValueError: If the photos have no positions or do not show the precision, or if it is for
            searches and all photos are both queries and database.
    """
    out = Path(out)
    settings = CalibrateConfig(
        model=None if model is None or callable(model) else Path(model),
        of=of,
        precision=precision,
        radius_m=radius_m,
        wrong_beyond_m=wrong_beyond_m,
        exclusion_frames=exclusion_frames,
        exclusion_s=exclusion_s,
        exclusion_m=exclusion_m,
        sequence=sequence,
        rerank=rerank,
        min_inliers=min_inliers,
        normalize=normalize,
        hubness=hubness,
    )
    require_writable(out, ".json")
    require_free_file(out, overwrite=overwrite)
    dataset = places if isinstance(places, PlaceDataset) else open_places(str(places))
    if dataset.positions_m is None:
        raise ValueError(f"A threshold is learned from positions. Received: none in {dataset.root}")
    is_run = of == "loops"
    if not is_run and (dataset.is_query & dataset.is_database).any():
        raise ValueError(
            "Answers of searches are judged with queries that are not in the database. Received: "
            f"{dataset.root}, where some photos are both. Add a column `role`"
        )
    opened = open_model(model, engine=engine, image_size=image_size, features=rerank == "features")
    work: Any = {"image_size": image_size, "batch_size": batch_size, "progress": progress}
    radii: Any = {"radius_m": radius_m, "wrong_beyond_m": wrong_beyond_m}
    if is_run:
        run = describe_run(_as_run(dataset), opened, settings, **work)
        judged, count = learn([run], precision, **radii), len(run.dataset)
        score = score_of(settings, opened, image_size)
    else:
        photos = describe_dataset(opened, dataset, **work)
        judged, count = judge_search(photos.dataset, photos.descriptors, **radii), len(dataset)
        score = search_score(image_size or getattr(opened, "image_size", None))
    learned_on = f"{counted(count, 'photo')} of {dataset.root.name}"
    learned = judged.calibration(score, learned_on, precision)
    write_calibrations(out, getattr(opened, "model_id", "unknown"), [learned])
    return Calibrated(judged.threshold(precision), learned.num_matches, out)


def learn(
    runs: Sequence[Run], precision: float, *, radius_m: float, wrong_beyond_m: float | None = None
) -> JudgedMatches:
    """Matches the photos of runs and uses their positions to tell which matches are right.

    It matches the runs twice: accepted matches decide which photos count as one place later on.

    Args:
        runs: sequence of Run. Their photos must have positions.
        precision: float. Precision of the accepted matches.
        radius_m: float. Largest distance of a right match.
        wrong_beyond_m: float or None. Smallest distance of a wrong match. None: `radius_m`.

    Raises:
        ValueError: If the matches do not show the precision.
    """

    def matched(threshold: float) -> JudgedMatches:
        judged = (judge(run, threshold, radius_m=radius_m, wrong_beyond_m=wrong_beyond_m)
                  for run in runs)  # fmt: skip
        return JudgedMatches.joined(list(judged))

    return matched(matched(np.inf).threshold(precision).score)


def judge(
    run: Run, threshold: float, *, radius_m: float, wrong_beyond_m: float | None = None
) -> JudgedMatches:
    """Matches the photos of a run and uses their positions to tell which matches are right.

    Args:
        run: Run. Its photos must have positions.
        threshold: float. Smallest gap of a loop. Photos of a loop count as one place later on.
        radius_m: float. Largest distance of a right match.
        wrong_beyond_m: float or None. Smallest distance of a wrong match. None: `radius_m`.
    """
    loops, _ = run.match(threshold, precision=CalibrateConfig.precision)
    loops = run.check([replace(loop, accepted=True) for loop in loops])
    positions_m = run.dataset.known("positions_m")
    queries, matches = (
        np.array([getattr(loop, name) for loop in loops], np.int64) for name in ("query", "match")
    )
    apart_m = np.linalg.norm(positions_m[queries] - positions_m[matches], axis=1)
    is_right = apart_m <= radius_m
    return JudgedMatches(
        gaps=np.array([loop.gap for loop in loops]),
        inliers=np.array([loop.inliers or 0 for loop in loops], np.int64),
        is_open=np.array([loop.accepted for loop in loops], bool),
        is_right=is_right,
        is_ignored=~is_right & (apart_m <= (wrong_beyond_m or radius_m)),
        has_answer=np.array([_has_answer(run, positions_m, query, radius_m) for query in queries],
                            bool),
    )  # fmt: skip


def _has_answer(run: Run, positions_m: NDArray[np.floating], query: int, radius_m: float) -> bool:
    """Returns whether the run was near a photo before, apart from its current stay there."""
    last = int(np.searchsorted(run.along, run.along[query] - run.exclusion))
    is_near = np.linalg.norm(positions_m[:last] - positions_m[query], axis=1) <= radius_m
    jumps = np.flatnonzero(np.diff(run.along[: query + 1]) > run.exclusion) + 1
    left = np.flatnonzero(~is_near) + 1
    begins = max(jumps[-1] if len(jumps) else 0, left[-1] if len(left) else 0)
    return bool(is_near[:begins].any())


def _as_run(dataset: PlaceDataset) -> PlaceDataset:
    """Returns the database as a run. If the queries are other photos, they follow as more runs."""
    if (dataset.is_query == dataset.is_database).all():
        return dataset
    rows = np.concatenate([dataset.database, dataset.queries])
    sequences = np.zeros(len(dataset), np.int64)
    if dataset.sequence_ids is not None:
        sequences = dataset.sequence_ids - dataset.sequence_ids.min()
    sequences = sequences + dataset.is_query * (sequences.max() + 1)
    return replace(dataset, sequence_ids=sequences).take(np.unique(rows))
