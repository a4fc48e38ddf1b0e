"""Decoded photos kept in memory, so that they are read once and used often."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray


class PhotoCache:
    """Keeps photos as they were read, up to a number of bytes; the least recently used go first.

    Several threads may ask at once: photos are read outside of the lock, at worst twice where two
    threads miss the same one. Each gets a copy, to change as it likes.

    Args:
        max_bytes: int. Bytes of pixels to keep. A photo larger than this is never kept.

    Raises:
        ValueError: If `max_bytes` is negative.

    Example:
    >>> cache = PhotoCache(max_bytes=1000)
    >>> photo = cache.get("a.jpg", lambda: np.zeros((10, 20, 3), np.uint8))
    >>> cache.get("a.jpg", lambda: 1 / 0).shape, cache.num_bytes
    ((10, 20, 3), 600)
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f"`max_bytes` must not be negative. Received: max_bytes={max_bytes}")
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._photos: OrderedDict[Hashable, NDArray[np.uint8]] = (
            OrderedDict()
        )  # least recently used first
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._photos)

    def get(self, key: Hashable, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Returns the photo of a key.

        Args:
            key: hashable. What tells the photo, in its size and channels, apart from others.
            read: callable. Reads it where it is not kept; what it raises is raised here.

        Returns:
            (H, W, C) uint8, a copy.
        """
        with self._lock:
            photo = self._photos.get(key)
            if photo is not None:
                self._photos.move_to_end(key)
        if photo is None:
            photo = read()
            self._keep(key, photo)
        return photo.copy()

    def _keep(self, key: Hashable, photo: NDArray[np.uint8]) -> None:
        with self._lock:
            if key in self._photos or photo.nbytes > self.max_bytes:
                return
            self._photos[key] = photo
            self.num_bytes += photo.nbytes
            while self.num_bytes > self.max_bytes:
                _, oldest = self._photos.popitem(last=False)
                self.num_bytes -= oldest.nbytes
