"""The loaders of the cartwheel scripts, with the same names and signatures.

They draw this project's tuples. Each returns RGB photos as float32 with values 0 to 255, and zeros
of shape (photos, 4). These arguments mean the same everywhere:

- `nP`, `nN`: int. Positives and negatives of a tuple.
- `resize`: `(cols, rows)`, as in OpenCV, or None for the size of the files.
- `return_gray`: bool. Return one channel instead of three.
- `apply_distortions`: bool. Apply the `street` augmentation to every photo of the tuple.
- `ENABLE_IMSHOW`: bool. Draw the tuple into a picture file named after the loader, such as
  `PittsburgRenderer.png`, in the working folder. No window opens.
"""

# ruff: noqa: N803

import dataclasses
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.cartwheel.tuple_photos import TuplePhotos, draw_frames, draw_places
from placevec.counted import counted
from placevec.images import count_frames, frame_name, read_image
from placevec.images.contact_sheet import draw_tuples
from placevec.places import PlaceDataset
from placevec.sources import open_places, parse_cutout_name
from placevec.sources.tracks.video import list_videos

_log = logging.getLogger(__name__)

Step = tuple[NDArray[np.float32], NDArray[np.float64]]
Size = tuple[int, int]

_SIZE = (320, 240)  # columns, rows
_TURN_DEG = 30.0  # Neighboring cut-outs of a panorama overlap by half.
_WALK_FRAMES = 200
_STREET_VIEW_NAME = re.compile(r"_(\d{3})_\d{3}\.\w+$")  # ..._HEADING_PITCH.jpg


class _Loader:
    """Reads tuples in the way of the old scripts."""

    def __init__(self, tuples: TuplePhotos):
        self._tuples = tuples

    def _step(
        self,
        nP: int,
        nN: int,
        *,
        apply_distortions: bool = False,
        return_gray: bool = False,
        resize: Size | None = _SIZE,
        ENABLE_IMSHOW: bool = False,
        tuples: TuplePhotos | None = None,
    ) -> Step:
        photos = (tuples or self._tuples).step(
            nP,
            nN,
            image_size=None if resize is None else (resize[1], resize[0]),
            channels=1 if return_gray else 3,
            augmentation="street" if apply_distortions else "none",
        )
        if ENABLE_IMSHOW:
            self._draw([photos], nP)
        return photos, np.zeros((len(photos), 4))

    def _draw(self, tuples: Sequence[Any], num_positives: int) -> None:
        path = Path(f"{type(self).__name__}.png")
        draw_tuples(tuples, path, num_positives=num_positives)
        _log.info("%s drawn in %s", counted(len(tuples), "tuple"), path)


class PittsburgRenderer(_Loader):
    """Tuples of the Pittsburgh cut-outs, `000/000123_pitch1_yaw7.jpg`.

    Positives are cut-outs of the query's panorama that look at most 30 degrees away sideways,
    upward or downward. A query has five of them, so more positives repeat. Negatives are cut-outs
    of other panoramas, at any pitch and yaw. If a dbStruct `.mat` file beside the photos gives
    positions, negatives are from panoramas more than 25 m away.

    Args:
        PTS_BASE: Path. Folder of `000/`, `001/` and so on.
        seed: int. Seed of everything that is drawn. Defaults to `0`.

    Raises:
        FileNotFoundError: If there is no such folder, or photo files are empty.
        ValueError: If there are no cut-outs.
    """

    def __init__(self, PTS_BASE: Path | str, seed: int = 0):
        dataset = open_places(f"pittsburgh:{PTS_BASE}")
        yaws = [parse_cutout_name(name).yaw for name in dataset.names.tolist()]
        self._positions_m = dataset.positions_m
        self.dataset = dataclasses.replace(
            dataset, positions_m=None, headings_deg=(np.array(yaws) - 1) % 12 * 30.0
        )
        self._seed = seed
        self._in_memory: TuplePhotos | None = None
        super().__init__(self._tuples_of(np.arange(len(dataset))))

    def step(
        self,
        nP: int,
        nN: int,
        apply_distortions: bool = False,
        return_gray: bool = False,
        resize: Size | None = None,
        ENABLE_IMSHOW: bool = False,
    ) -> Step:
        """Returns the photos of the next tuple, (1 + nP + nN, H, W, C), and zeros (..., 4)."""
        return self._step(
            nP,
            nN,
            apply_distortions=apply_distortions,
            return_gray=return_gray,
            resize=resize,
            ENABLE_IMSHOW=ENABLE_IMSHOW,
        )

    def step_n_times(
        self,
        n_samples: int,
        nP: int,
        nN: int,
        return_gray: bool = False,
        resize: Size | None = _SIZE,
        ENABLE_IMSHOW: bool = False,
    ) -> list[NDArray[np.float32]]:
        """Returns the photos of the next `n_samples` tuples, (1 + nP + nN, H, W, C) each."""
        return [
            self.step(nP, nN, return_gray=return_gray, resize=resize, ENABLE_IMSHOW=ENABLE_IMSHOW)[
                0
            ]
            for _ in range(n_samples)
        ]

    def preload_all_images(self, folder_list: Sequence[int]) -> None:
        """Reads the photos of some folders, at 240 x 320, into memory for `preload_step`.

        Args:
            folder_list: sequence of int. `[0, 1]` means `000/` and `001/`; a complete folder takes
                5.5 GB.

        Raises:
            ValueError: If none of these folders exists.
        """
        wanted = {int(folder) for folder in folder_list}
        names = self.dataset.names.tolist()
        rows = np.array([i for i, name in enumerate(names) if int(name.split("/")[0]) in wanted])
        if not len(rows):
            raise ValueError(
                f"{self.dataset.root} has none of the folders. Received: folder_list={folder_list}"
            )
        size = (_SIZE[1], _SIZE[0])
        pixels = [read_image(self.dataset.path(row), image_size=size) for row in rows]
        self._in_memory = self._tuples_of(rows, pixels)
        _log.info("%s in memory", counted(len(pixels), "photo"))

    def preload_step(
        self,
        nP: int,
        nN: int,
        apply_distortions: bool = True,
        return_gray: bool = False,
        ENABLE_IMSHOW: bool = False,
    ) -> Step:
        """Returns a tuple like `step`, (1 + nP + nN, 240, 320, C), from the photos in memory."""
        if self._in_memory is None:
            raise ValueError("No photos are in memory. Call `preload_all_images` first")
        return self._step(
            nP,
            nN,
            apply_distortions=apply_distortions,
            return_gray=return_gray,
            ENABLE_IMSHOW=ENABLE_IMSHOW,
            tuples=self._in_memory,
        )

    def _tuples_of(
        self, rows: NDArray[np.int64], pixels: Sequence[NDArray[np.uint8]] | None = None
    ) -> TuplePhotos:
        """Returns tuples among some rows; reads photos from disk if no pixels are given."""
        views, places = self.dataset.take(rows), None
        if self._positions_m is not None:
            places = dataclasses.replace(views, positions_m=self._positions_m[rows])

        kept = [] if pixels is None else pixels

        def from_memory(row: int, *, image_size: Size, channels: int) -> NDArray[np.uint8]:
            if channels == 3:
                return kept[row]
            gray = cv2.cvtColor(kept[row], cv2.COLOR_RGB2GRAY)
            return np.asarray(gray, np.uint8)[:, :, None]

        draw = draw_places(views, places=places, max_heading_difference_deg=_TURN_DEG)
        read = _reader(views) if pixels is None else from_memory
        return TuplePhotos(draw, read, seed=self._seed)


class TimeMachineRender(_Loader):
    """Tuples of Tokyo Time Machine: the same places in different years.

    Queries come from `tokyoTM_train.mat`. Positives are its database photos of another time that
    lie within 10 m and look at most 30 degrees to the side (if every file name gives a direction).
    Negatives lie more than 25 m away.

    Args:
        TTM_BASE: Path. Folder of `tokyoTM_train.mat` and `images/`.
        nP: int. Positives if `step` is not given any number. Defaults to `5`.
        nN: int. Negatives if `step` is not given any number. Defaults to `10`.
        seed: int. Seed of everything that is drawn. Defaults to `0`.

    Raises:
        FileNotFoundError: If the `.mat` file or photos are missing.
        ValueError: If the `.mat` file is damaged.
    """

    def __init__(self, TTM_BASE: Path | str, nP: int = 5, nN: int = 10, seed: int = 0):
        dataset = open_places(f"dbstruct:{Path(TTM_BASE) / 'tokyoTM_train.mat'}")
        turns = [_STREET_VIEW_NAME.search(name) for name in dataset.names.tolist()]
        headings_deg = [float(turn[1]) % 360 for turn in turns if turn]
        is_turned = len(headings_deg) == len(dataset)
        if is_turned:
            dataset = dataclasses.replace(dataset, headings_deg=np.array(headings_deg))
        self.dataset = dataset
        self.nP, self.nN = nP, nN
        draw = draw_places(dataset, max_heading_difference_deg=_TURN_DEG if is_turned else None)
        super().__init__(TuplePhotos(draw, _reader(dataset), seed=seed))

    def step(
        self,
        nP: int | None = None,
        nN: int | None = None,
        resize: Size | None = None,
        apply_distortions: bool = False,
        return_gray: bool = False,
        ENABLE_IMSHOW: bool = False,
    ) -> Step:
        """Returns the photos of the next tuple, (1 + nP + nN, H, W, C), and zeros (..., 4)."""
        return self._step(
            self.nP if nP is None else nP,
            self.nN if nN is None else nN,
            apply_distortions=apply_distortions,
            return_gray=return_gray,
            resize=resize,
            ENABLE_IMSHOW=ENABLE_IMSHOW,
        )

    def step_random(self, count: int) -> Step:
        """Returns `count` different photos of the database, and zeros (count, 4)."""
        database = self.dataset.database
        if count > len(database):
            raise ValueError(
                f"There are {counted(len(database), 'photo')}. Received: count={count}"
            )
        chosen = self._tuples.rng.choice(database, count, replace=False)
        photos = self._tuples.read(chosen.tolist())
        return photos, np.zeros((count, 4))

    def debug_display_image_samples(self) -> None:
        """Draws eight queries into a picture file, each beside its place at other times."""
        self._draw([self._step(6, 0)[0] for _ in range(8)], num_positives=6)


class WalksRenderer(_Loader):
    """Tuples of frames of the videos of walks through cities.

    Positives lie at most 200 frames from the query. Negatives lie farther away in the same video,
    or in another video.

    Args:
        db_path: Path. Folder of `.mp4` or `.mkv` files.
        seed: int. Seed of everything that is drawn. Defaults to `0`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no readable video.
    """

    def __init__(self, db_path: Path | str, seed: int = 0):
        videos = list_videos(Path(db_path).expanduser())
        counts = np.array([count_frames(video) for video in videos])

        def read(item: tuple[int, int], **form: Any) -> NDArray[np.uint8]:
            video, frame = item
            return read_image(frame_name(str(videos[video]), frame), **form)

        draw = draw_frames(counts, radius=_WALK_FRAMES)
        super().__init__(TuplePhotos(draw, read, seed=seed))

    def step(self, nP: int, nN: int, return_gray: bool = False) -> Step:
        """Returns the frames of the next tuple, (1 + nP + nN, 240, 320, C), and zeros (..., 4)."""
        return self._step(nP, nN, return_gray=return_gray)


class WalksRendererOnline(WalksRenderer):
    """The same as `WalksRenderer`: both read frames on demand."""


def load_tuples(
    parts: Sequence[tuple[Callable[[Path | str], Any], Path | str, int]], nP: int, nN: int
) -> NDArray[np.float32]:
    """Draws tuples of several data sets into memory.

    Args:
        parts: sequence of (loader, folder, number of tuples). A data set is not opened if its
            number is 0.
        nP: int. Positives of a tuple.
        nN: int. Negatives of a tuple.

    Returns:
        (N, 1 + nP + nN, 240, 320, 3) float32, values 0 to 255, one data set after the other.

    Raises:
        ValueError: If every number of tuples is 0.
    """
    parts = [part for part in parts if part[2] > 0]
    total = sum(count for _, _, count in parts)
    if not total:
        raise ValueError("At least one tuple must be asked for. Received: none for any data set")
    tuples = np.empty((total, 1 + nP + nN, *_SIZE[::-1], 3), np.float32)
    filled = 0
    for loader_class, folder, count in parts:
        loader = loader_class(folder)
        for _ in range(count):
            tuples[filled], _ = loader.step(nP=nP, nN=nN, resize=_SIZE)
            filled += 1
    return tuples


def _reader(dataset: PlaceDataset):  # noqa: ANN202
    def read(row: int, **form: Any) -> NDArray[np.uint8]:
        return read_image(dataset.path(row), **form)

    return read
