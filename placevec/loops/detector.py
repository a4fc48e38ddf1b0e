"""Finds loops while photos come in."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import LoopsConfig
from placevec.config.choices import Hubness, Normalization
from placevec.config.refusals import refuse
from placevec.loops.scorer import Loop, LoopScorer
from placevec.loops.threshold import find_threshold, with_confidence
from placevec.retrieval.calibration import loops_score
from placevec.retrieval.described import open_model

if TYPE_CHECKING:
    from PIL import Image

    from placevec.models import Engine

MOST_PHOTOS = 100_000
"""Largest number of photos that a detector remembers."""

USUAL_EXCLUSION = 30.0
"""Photos, or seconds, within which a detector looks for no loop. `find_loops` instead estimates it
from the whole run."""

_TOO_LATE_S = 1e11  # The year 5138; milliseconds since 1970 are larger.


class LoopDetector:
    """Says for each new photo whether it closes a loop with an earlier one.

    It finds what `find_loops` finds in the whole run with the same threshold and without `rerank`
    (comparing local features would take 70 kB of memory per photo). Several threads may call `add`;
    photos count in the order in which they enter. It remembers the last `MOST_PHOTOS` photos, with
    `4 * (D + sequence)` bytes per photo (2 MB for 1,000 photos of 512 dimensions).

    Args:
        model: Engine, as `placevec.load_model` returns it; any callable with `describe(photos)`;
            or the file or name of a model.
        threshold: float, Path or None. Smallest gap of a loop, or a file of `placevec calibrate`.
            None: the threshold that ships with the model for these settings. If there is none, it
            is learned from the run so far, and nothing is accepted before there are enough loops.
        exclusion: float. Photos closer than this along the run are not a loop: a number of photos,
            or seconds if `add` is given times.
        precision: float in (0, 1). Precision that the threshold is for, unless it is a number.
        sequence: int. Number of photos to match together.
        consistency: int. Number of photos in a row whose matches must be near each other.
        normalize: str. Mean to subtract: `"running"` or `"none"`, see `LoopsConfig`.
        hubness: str. `"none"`, or `"csls"` to hold back photos that are similar to everything,
            which takes 40 bytes more per photo.

    Raises:
        ValueError: If a setting is out of range, or the threshold was made for another model or
            other settings.

    Example:

        detector = placevec.LoopDetector(placevec.load_model("tiny"))
        for image, time_s in camera:
            for loop in detector.add(image, time_s=time_s):
                print(loop.query, loop.match, loop.gap, loop.confidence)
    """

    def __init__(
        self,
        model: "Engine | Path | str | None" = LoopsConfig.model,
        *,
        threshold: float | Path | str | None = LoopsConfig.threshold,
        exclusion: float = USUAL_EXCLUSION,
        precision: float = LoopsConfig.precision,
        sequence: int = LoopsConfig.sequence,
        consistency: int = LoopsConfig.consistency,
        normalize: Normalization = LoopsConfig.normalize,
        hubness: Hubness = LoopsConfig.hubness,
    ):
        settings = LoopsConfig(
            threshold=threshold if isinstance(threshold, int | float | None) else Path(threshold),
            precision=precision,
            sequence=sequence,
            consistency=consistency,
            normalize=normalize,
            hubness=hubness,
        )
        if normalize == "own":
            refuse(settings, "normalize", "running or none: the mean of a run is not known yet")
        self._model: Any = open_model(model, engine=LoopsConfig.engine, image_size=None)
        size = getattr(self._model, "image_size", None)
        score = loops_score(size, sequence=sequence, rerank=None, min_inliers=None,
                            normalize=normalize, hubness=hubness)  # fmt: skip
        model_id = getattr(self._model, "model_id", None)
        least_gap, self._learned = find_threshold(settings.threshold, precision, score, model_id)
        self._scorer = LoopScorer(
            exclusion=exclusion,
            threshold=least_gap,
            precision=precision,
            sequence=sequence,
            consistency=consistency,
            normalize=normalize,
            hubness=hubness,
            capacity=MOST_PHOTOS,
        )
        self._lock = threading.Lock()
        self._is_timed: bool | None = None

    def __len__(self) -> int:
        return len(self._scorer)

    def add(
        self, image: "NDArray[np.uint8] | Image.Image | Path | str", *, time_s: float | None = None
    ) -> list[Loop]:
        """Adds the next photo of the run.

        Args:
            image: (H, W, 3) uint8 RGB of any size, a PIL image, or the path of a photo.
            time_s: float or None. Time of the photo, in seconds. Give it for all photos or none.

        Returns:
            List of Loop: the accepted one, or empty.

        Raises:
            ValueError: If the photo cannot be read or is older than the photo before it, if only
                some photos have times, or if the time cannot be in seconds.
        """
        if time_s is not None and time_s >= _TOO_LATE_S:
            raise ValueError(
                f"`time_s` must be seconds. Received: {time_s:g}. Divide milliseconds by 1e3, "
                "nanoseconds by 1e9"
            )
        with self._lock:
            is_timed = time_s is not None
            if self._is_timed not in (None, is_timed):
                raise ValueError(
                    "Give `time_s` for all photos of a run or for none. Received: photo "
                    f"{len(self)} {'with' if is_timed else 'without'} it, unlike those before"
                )
            descriptor = self._model.describe([image])[0]
            loop = self._scorer.add(descriptor, len(self) if time_s is None else time_s)
            self._is_timed = is_timed
        found = [loop] if loop is not None and loop.accepted else []
        return with_confidence(found, self._learned)
