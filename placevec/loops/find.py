"""Finds all loops of a run."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from placevec.config import Engine as EngineName
from placevec.config import LoopsConfig
from placevec.config.choices import Hubness, Normalization, Reranker
from placevec.counted import counted
from placevec.input_file import shown
from placevec.loops.relative_pose import WIDEST_FOV_DEG
from placevec.loops.run import describe_run, score_of
from placevec.loops.scorer import Loop
from placevec.loops.threshold import find_threshold, with_confidence
from placevec.loops.write import LOOPS_FILES, write_loops
from placevec.models.describe import Model
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.described import open_model
from placevec.sources.photos import open_photos
from placevec.whole_file import require_free_names, require_new_folder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class LoopsFound:
    """The best earlier match of each photo of a run. As text, a summary for people.

    Args:
        dataset: PlaceDataset. The photos that could be read, in the order of the run.
        descriptors: (N, D) float32, of unit L2 norm.
        loops: list of Loop, in the order of the run. Those with `accepted` are loops.
        threshold: float. Smallest gap of a loop. Infinity if the run could not learn one.
        precision: float or None. Share of the loops that should be right. None if the threshold was
            given as a number.
        learned_on: str or None. Photos that the threshold was learned on. None: this run, if there
            is a `precision`.
        exclusion: float. Smallest distance of two photos along the run, in photos, seconds or
            metres.
        exclusion_unit: str. Unit of `exclusion`: `"photos"`, `"s"` or `"m"`.
    """

    dataset: PlaceDataset
    descriptors: NDArray[np.float32]
    loops: list[Loop]
    threshold: float
    precision: float | None
    learned_on: str | None
    exclusion: float
    exclusion_unit: str

    @property
    def accepted(self) -> list[Loop]:
        """The loops."""
        return [loop for loop in self.loops if loop.accepted]

    def to_frame(self) -> "pd.DataFrame":
        """Returns a row for each photo that has a match.

        Returns:
            DataFrame with `query` and `match` (file names), `query_number` and `match_number`
            (their places in the run), `similarity`, `gap`, `num_consistent`, `inliers` (NA if they
            were not counted), `confidence` (NA if unknown) and `accepted`.
        """
        import pandas as pd

        names = self.dataset.names.astype(object)
        queries = np.array([loop.query for loop in self.loops], np.int64)
        matches = np.array([loop.match for loop in self.loops], np.int64)
        return pd.DataFrame(
            {
                # dtype=object, because a file name may not be UTF-8.
                "query": pd.Series(names[queries], dtype=object),
                "match": pd.Series(names[matches], dtype=object),
                "query_number": queries,
                "match_number": matches,
                "similarity": np.round([loop.similarity for loop in self.loops], 4),
                "gap": np.round([loop.gap for loop in self.loops], 4),
                "num_consistent": [loop.num_consistent for loop in self.loops],
                "inliers": pd.array([loop.inliers for loop in self.loops], dtype="Int64"),
                "confidence": pd.array(
                    [
                        None if loop.confidence is None else round(loop.confidence, 3)
                        for loop in self.loops
                    ],
                    dtype="Float64",
                ),
                "accepted": [loop.accepted for loop in self.loops],
            }
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        count = len(self.accepted)
        unit = "" if self.exclusion_unit == "photos" else f"{self.exclusion_unit} "
        loops = (
            f"{counted(count, 'loop') if count else 'no loops'} in "
            f"{counted(len(self.dataset), 'photo')}, between photos at least {self.exclusion:g} "
            f"{unit}apart"
        )
        if self.precision is None:
            return f"{loops}; threshold {self.threshold:.4g}, as given"
        share = f"{100 * self.precision:g} %"
        if self.learned_on is not None:
            return (
                f"{loops}; threshold {self.threshold:.4g}, for a precision of {share} on "
                f"{self.learned_on}"
            )
        if math.isinf(self.threshold):
            return (
                f"{loops}: no threshold is known for this model and these settings, and this run "
                f"does not show {share} precision by itself, which needs at least "
                f"{math.ceil(1 / (1 - self.precision) - 1e-9)} loops that are clearly best. Give "
                "`--threshold`, or a lower `--precision`, or learn one with `placevec calibrate`"
            )
        return (
            f"{loops}; threshold {self.threshold:.4g}, estimated from this run for a "
            f"precision of {share}"
        )


def find_loops(
    photos: PlaceDataset | Path | str,
    model: Model | Path | str | None = LoopsConfig.model,
    *,
    out: Path | str | None = LoopsConfig.out,
    overwrite: bool = LoopsConfig.overwrite,
    exclusion_frames: int | None = LoopsConfig.exclusion_frames,
    exclusion_s: float | None = LoopsConfig.exclusion_s,
    exclusion_m: float | None = LoopsConfig.exclusion_m,
    threshold: float | Path | str | None = LoopsConfig.threshold,
    precision: float = LoopsConfig.precision,
    sequence: int = LoopsConfig.sequence,
    consistency: int = LoopsConfig.consistency,
    g2o: Literal["known", "essential"] = LoopsConfig.g2o,
    fov_deg: float | None = LoopsConfig.fov_deg,
    rerank: Reranker | None = LoopsConfig.rerank,
    min_inliers: int | None = LoopsConfig.min_inliers,
    normalize: Normalization = LoopsConfig.normalize,
    hubness: Hubness = LoopsConfig.hubness,
    image_size: tuple[int, int] | None = LoopsConfig.image_size,
    batch_size: int | None = LoopsConfig.batch_size,
    engine: EngineName = LoopsConfig.engine,
    progress: Progress = no_progress,
) -> LoopsFound:
    """Finds photos of a run that show a place which the run has seen before.

    Each photo is compared only with those before it. So `LoopDetector` with the same threshold
    finds the same loops during the drive. See `LoopScorer` for the score.

    Args:
        photos: PlaceDataset, Path or str. A folder of photos, a video, or READER:PATH.
        model: Path or str. File or name of a model, or an open model: an Engine, or any callable
            from `(B, H, W, C)` uint8 to `(B, D)`.
        out: Path or None. See `LoopsConfig`, as for the others.
        overwrite: bool. Replace the files of an earlier run in `out`.
        exclusion_frames: int or None. Photos closer than this along the run are not a loop.
        exclusion_s: float or None. The same in seconds.
        exclusion_m: float or None. The same in metres travelled.
        threshold: float, Path or None. Smallest gap of a loop.
        precision: float. Precision that the threshold is for, unless it is a number.
        sequence: int. Number of photos to match together.
        consistency: int. Number of photos in a row whose matches must be near each other.
        g2o: str. Source of the relative poses in `loops.g2o`.
        fov_deg: float or None. Horizontal field of view of the camera.
        rerank: str or None. How to compare both photos of a match point by point. Meanwhile, the
            local features lie in a temporary file.
        min_inliers: int or None. Smallest number of points that both photos of a loop share.
        normalize: str. Mean to subtract from the descriptors.
        hubness: str. How to hold back photos that are similar to everything.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        engine: str. Library that runs the model, if `model` is a file.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        LoopsFound.

    Raises:
        FileExistsError: If `out` has files of the same names, and `overwrite` is not set.
        FileNotFoundError: If the photos, the model or the folder that `out` lies in are missing.
        ValueError: If a setting is out of range, no photo can be read, the threshold was made for
            another model or other settings, or `out` lies in the folder of photos.
    """
    settings = LoopsConfig(
        model=None if model is None or callable(model) else Path(model),
        out=None if out is None else Path(out),
        overwrite=overwrite,
        exclusion_frames=exclusion_frames,
        exclusion_s=exclusion_s,
        exclusion_m=exclusion_m,
        threshold=threshold if isinstance(threshold, int | float | None) else Path(threshold),
        precision=precision,
        sequence=sequence,
        consistency=consistency,
        g2o=g2o,
        fov_deg=fov_deg,
        rerank=rerank,
        min_inliers=min_inliers,
        normalize=normalize,
        hubness=hubness,
    )
    if settings.out is not None:
        require_new_folder(settings.out)
        require_free_names(settings.out, LOOPS_FILES, overwrite=overwrite)
        _require_outside(settings.out, photos)
    dataset = open_photos(photos)
    if g2o == "essential":
        _fovs_deg(dataset, fov_deg)  # Refuse before the long work.
    opened = open_model(model, engine=engine, image_size=image_size, features=rerank == "features")
    score = score_of(settings, opened, image_size)
    model_id = getattr(opened, "model_id", None)
    least_gap, learned = find_threshold(settings.threshold, precision, score, model_id)
    is_number = isinstance(threshold, int | float)
    learned_on = None if learned is None or least_gap is None or is_number else learned.learned_on
    run = describe_run(
        dataset, opened, settings, image_size=image_size, batch_size=batch_size, progress=progress
    )
    if least_gap is None:
        least_gap = run.match(None, precision=precision)[1].value()
    loops = run.check(run.match(least_gap, precision=precision, consistency=consistency)[0])
    found = LoopsFound(
        dataset=run.dataset,
        descriptors=run.descriptors,
        loops=with_confidence(loops, learned),
        threshold=least_gap,
        precision=None if is_number else precision,
        learned_on=learned_on,
        exclusion=run.exclusion,
        exclusion_unit="s" if exclusion_s else "m" if exclusion_m else "photos",
    )
    if settings.out is not None:
        fovs_deg = _fovs_deg(found.dataset, fov_deg) if g2o == "essential" else None
        write_loops(found, settings.out, fovs_deg=fovs_deg)
    return found


def _require_outside(out: Path, photos: PlaceDataset | Path | str) -> None:
    """Refuses a folder whose pictures would become photos of the next run."""
    if isinstance(photos, PlaceDataset) or not Path(photos).expanduser().is_dir():
        return
    if out.resolve().is_relative_to(Path(photos).expanduser().resolve()):
        raise ValueError(
            f"`out` must lie outside of the folder of photos. Received: {shown(out)} in "
            f"{shown(photos)}. There its pictures would become photos of the next run"
        )


def _fovs_deg(dataset: PlaceDataset, fov_deg: float | None) -> NDArray[np.float64]:
    """Returns the horizontal field of view of each photo."""
    if fov_deg is not None:
        return np.full(len(dataset), fov_deg)
    known_deg = dataset.fields_of_view_deg
    if known_deg is None or not (known_deg <= WIDEST_FOV_DEG).all():
        raise ValueError(
            "`g2o essential` needs the horizontal field of view of each photo, below "
            f"{WIDEST_FOV_DEG:g} degrees. Received: none in {dataset.root}. Give `--fov-deg`, or "
            "add a column `fov_deg`"
        )
    return known_deg
