"""Frames of videos, read by their number."""

from pathlib import Path

import cv2
import numpy as np

from placevec.sources.files import require_folder

VIDEO_SUFFIXES = (".mp4", ".mkv")
_MOST_MISSING = 64  # frames at the end that a file may announce and not hold


class VideoFrames:
    """The videos of a folder, as pictures that are read one by one.

    Where a file announces more frames than it holds, as Matroska files may, the count is that of
    the frames that can be read.

    Args:
        folder: Path. Holds `.mp4` or `.mkv` files.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no video, or one that cannot be read.
    """

    def __init__(self, folder: Path | str):
        folder = Path(folder).expanduser()
        require_folder(folder)
        self.paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
        if not self.paths:
            raise ValueError(f"No videos in {folder}. A video ends in {', '.join(VIDEO_SUFFIXES)}")
        self._captures = [cv2.VideoCapture(str(path)) for path in self.paths]
        self.counts = np.array([self._count(video) for video in range(len(self.paths))])

    def read(
        self,
        video: int,
        frame: int,
        *,
        image_size: tuple[int, int] | None = None,
        channels: int = 3,
    ) -> np.ndarray:
        """Reads one frame.

        Args:
            video: int. Place in `paths`.
            frame: int. Number of the frame, from 0; less than `counts[video]`.
            image_size: `(rows, cols)` or None. Size to resize to. None: the size of the video.
            channels: int. `3` for RGB, `1` for grey. Defaults to `3`.

        Returns:
            `(H, W, channels)` uint8.

        Raises:
            ValueError: If there is no such frame, or it cannot be decoded.
        """
        pixels = self._decode(video, frame) if 0 <= frame < self.counts[video] else None
        if pixels is None:
            raise ValueError(
                f"Frame {frame} of {self.paths[video]} cannot be read; it has "
                f"{self.counts[video]} frames"
            )
        if image_size is not None:
            rows, cols = image_size
            shrinks = rows <= pixels.shape[0] and cols <= pixels.shape[1]
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            pixels = cv2.resize(pixels, (cols, rows), interpolation=how)
        if channels == 1:
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[:, :, None]
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _count(self, video: int) -> int:
        announced = int(self._captures[video].get(cv2.CAP_PROP_FRAME_COUNT))
        for count in range(announced, max(announced - _MOST_MISSING, 0), -1):
            if self._decode(video, count - 1) is not None:
                return count
        raise ValueError(f"{self.paths[video]} is no whole video. Fetch or export it again")

    def _decode(self, video: int, frame: int) -> np.ndarray | None:
        capture = self._captures[video]
        # Seeking is slow and, in some files, less exact than going on from where the last read was.
        if int(capture.get(cv2.CAP_PROP_POS_FRAMES)) != frame:
            capture.set(cv2.CAP_PROP_POS_FRAMES, frame)
        return capture.read()[1]
