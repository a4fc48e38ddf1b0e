"""Describes the photos of a run, and matches them with the photos before them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import TrainConfig
from placevec.config.choices import RERANKERS
from placevec.config.loops import RunConfig
from placevec.images import image_size_of
from placevec.loops.detector import MOST_PHOTOS
from placevec.loops.geometry import check_geometry
from placevec.loops.own_threshold import OwnThreshold
from placevec.loops.route import along_run, exclusion_of_run, order_of_run
from placevec.loops.scorer import Loop, LoopScorer
from placevec.models.describe import Model
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval.calibration import Score, loops_score
from placevec.retrieval.described import describe_dataset
from placevec.retrieval.reranking.rerank import LocalMatcher, map_matcher
from placevec.store.map_statistics import MapStatistics


@dataclass(frozen=True, eq=False)
class Run:
    """The photos of a run with their descriptors, in the order of the run.

    Args:
        dataset: PlaceDataset. N photos.
        descriptors: (N, D) float32, of unit L2 norm.
        along: (N,) float. How far along the run each photo lies.
        exclusion: float. Smallest distance along the run between the photos of a match.
        sequence: int. Number of photos to match together.
        matcher: LocalMatcher or None. It compares both photos of a match.
        min_inliers: int or None. See `check_geometry`.
        normalize: str. See `RunConfig`, like the next one.
        hubness: str.
    """

    dataset: PlaceDataset
    descriptors: NDArray[np.float32]
    along: NDArray[np.floating]
    exclusion: float
    sequence: int
    matcher: LocalMatcher | None
    min_inliers: int | None
    normalize: str
    hubness: str

    def match(
        self, threshold: float | None, *, precision: float, consistency: int = 1
    ) -> tuple[list[Loop], OwnThreshold]:
        """Matches each photo with those before it.

        Args:
            threshold: float or None. Smallest gap of a loop. None: learned from the run so far.
            precision: float. Precision that it is learned for.
            consistency: int. Number of photos in a row whose matches must be near each other.

        Returns:
            List of Loop, and the threshold that the whole run shows.
        """
        scorer = LoopScorer(
            exclusion=self.exclusion,
            threshold=threshold,
            precision=precision,
            sequence=self.sequence,
            consistency=consistency,
            normalize=self.normalize,
            hubness=self.hubness,
            capacity=MOST_PHOTOS,
        )
        descriptors = self.descriptors
        if self.normalize == "own":
            mean = descriptors.mean(axis=0, dtype=np.float64)
            descriptors = MapStatistics(mean, None, len(descriptors)).adapt(descriptors)
        photos = zip(descriptors, self.along.tolist(), strict=True)
        found = [loop for photo in photos if (loop := scorer.add(*photo)) is not None]
        return found, scorer.own

    def check(self, loops: list[Loop]) -> list[Loop]:
        """Returns the same matches after their photos were compared, if a matcher is set."""
        if self.matcher is None:
            return loops
        return check_geometry(loops, self.matcher, self.min_inliers)


def score_of(settings: RunConfig, model: Model, image_size: tuple[int, int] | None) -> Score:
    """Returns the settings that the gaps of a run depend on."""
    return loops_score(
        image_size or getattr(model, "image_size", None),
        sequence=settings.sequence,
        rerank=settings.rerank,
        min_inliers=settings.min_inliers,
        normalize=settings.normalize,
        hubness=settings.hubness,
    )


def describe_run(
    dataset: PlaceDataset,
    model: Model,
    settings: RunConfig,
    *,
    image_size: tuple[int, int] | None,
    batch_size: int | None,
    progress: Progress = no_progress,
) -> Run:
    """Describes the photos of a run, in the order of the run.

    Args:
        dataset: PlaceDataset.
        model: The result of `open_model`.
        settings: RunConfig.
        image_size: (int, int) or None. Rows and columns that photos are resized to.
        batch_size: int or None. Photos in a batch.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Raises:
        ValueError: If no photo can be read, or times or positions are needed and unknown.
    """
    dataset = dataset.take(order_of_run(dataset))
    ways = {"exclusion_s": settings.exclusion_s, "exclusion_m": settings.exclusion_m}
    along_run(dataset, **ways)  # Refuse before the long work.
    found = describe_dataset(
        model,
        dataset,
        image_size=image_size,
        batch_size=batch_size,
        features=settings.rerank == "features",
        progress=progress,
    )
    exclusion = settings.exclusion_s or settings.exclusion_m or settings.exclusion_frames
    matcher = None
    if found.maps is not None:
        map_of = found.maps.__getitem__
        matcher = map_matcher(map_of, map_of, found.maps.shape[1:3])
    elif settings.rerank is not None:
        size = image_size_of(model, usual=TrainConfig.image_size, wanted=image_size)
        path_of = found.dataset.paths().__getitem__
        matcher = RERANKERS[settings.rerank].find()(path_of, path_of, size)
    return Run(
        dataset=found.dataset,
        descriptors=found.descriptors,
        along=along_run(found.dataset, **ways),
        exclusion=exclusion or exclusion_of_run(found.descriptors),
        sequence=settings.sequence,
        matcher=matcher,
        min_inliers=settings.min_inliers,
        normalize=settings.normalize,
        hubness=settings.hubness,
    )
