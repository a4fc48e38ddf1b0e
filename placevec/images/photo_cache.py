"""Keeps decoded photos in memory, so that they are read once and used often."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray


class PhotoCache:
    """Keeps photos as read, up to a number of bytes. It drops the least recently used first.

    Several threads may use it at once. Photos are read outside the lock, so two threads that need
    the same photo may both read it. Each thread gets a copy that it may change.

    Args:
        max_bytes: int. Bytes of pixels to keep. A larger photo is never kept.

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
        )  # in the order of use, the least recently used first
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._photos)

    def get(self, key: Hashable, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Returns the photo of a key.

        Args:
            key: hashable. Identifies the photo, including its size and channels.
            read: callable. Reads the photo if it is not kept. Its errors are raised here.

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
