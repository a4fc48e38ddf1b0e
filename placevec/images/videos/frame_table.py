"""Keeps time stamps and checksums of the frames of a video."""

import threading
from array import array
from bisect import bisect_left


class FrameTable:
    """The frames of a video, as far as it was decoded in order. Threads share it.

    Args:
        key: tuple of int. Identifies one version of the file.
    """

    def __init__(self, key: tuple[int, ...]):
        self.key = key
        self.times_ms = array("d")
        self.checksums = array("Q")
        # Frames from the start on that are each later than the frame before.
        self.num_rising = 0
        self.is_complete = False
        self._stray_ms: set[float] = set()  # times of all other frames
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.times_ms)

    def add(self, frame: int, time_ms: float, checksum: int) -> None:
        """Records a frame if it is the next one.

        Args:
            frame: int. Number of the frame, from 0.
            time_ms: float. Its time stamp, in milliseconds.
            checksum: int. Checksum of its pixels.
        """
        with self._lock:
            if frame != len(self):
                return  # Another thread was faster.
            if self.num_rising == frame and (not frame or time_ms > self.times_ms[-1]):
                self.num_rising += 1
            else:
                self._stray_ms.add(time_ms)
            self.checksums.append(checksum)
            self.times_ms.append(time_ms)

    def end(self, frame: int) -> None:
        """Records that no frame has this number."""
        with self._lock:
            self.is_complete |= frame == len(self)

    def frame_at(self, time_ms: float) -> int | None:
        """Returns the only frame with a time stamp; None if there are none or several."""
        frame = bisect_left(self.times_ms, time_ms, 0, self.num_rising)
        found = frame < self.num_rising and self.times_ms[frame] == time_ms
        return frame if found and time_ms not in self._stray_ms else None
