"""Matches photos with SIFT, which needs no network and is the baseline of re-ranking."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images import UnreadableImageError, read_image
from placevec.retrieval.reranking.rerank import LocalMatcher

_log = logging.getLogger(__name__)
_NUM_KEYPOINTS = 500
_RATIO = 0.8  # Lowe's value
_MAX_ERROR_PX = 8.0
_FULL_COUNT = 100  # counts as much as a whole map of matched cells
_PHOTOS_KEPT = 2048  # the points of a photo take at most 260 kB of memory

Points = tuple[NDArray[np.float32], NDArray[np.float32]]


def sift_matcher(
    query_path: Callable[[int], Path | NDArray[np.uint8]],
    candidate_path: Callable[[int], Path | NDArray[np.uint8]],
    image_size: tuple[int, int],
) -> LocalMatcher:
    """Returns a matcher that uses SIFT and one homography.

    Args:
        query_path: callable. From the index of a query to its photo.
        candidate_path: callable. From a row of the database to its photo. An unreadable photo has
            no points, and is logged.
        image_size: (int, int). Rows and columns that photos are resized to.

    Reference:
        [Lowe, 2004](https://doi.org/10.1023/B:VISI.0000029664.99615.94).
    """
    sides = np.array([image_size[1], image_size[0]] * 2, np.float32)

    @functools.lru_cache(maxsize=_PHOTOS_KEPT)
    def points_of(row: int) -> Points:
        return sift_points(candidate_path(row), image_size)

    def match(query: int, rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        own = sift_points(query_path(query), image_size)
        return [match_points(own, points_of(row)) / sides for row in rows.tolist()]

    return LocalMatcher(match, _FULL_COUNT)


def sift_points(path: Path | NDArray[np.uint8], image_size: tuple[int, int]) -> Points:
    """Finds the most distinctive points of a photo.

    Args:
        path: Path, or pixels as `read_image` takes them.
        image_size: (int, int). Rows and columns that the photo is resized to.

    Returns:
        Columns and rows `(m, 2)` float32 in pixels, and descriptors `(m, 128)` float32. Both are
        empty if the photo cannot be read.
    """
    none = np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    try:
        gray = read_image(path, image_size=image_size, channels=1)[..., 0]
    except (UnreadableImageError, OSError) as error:
        _log.warning("A photo has no points: %s", error)
        return none
    # The type stubs of OpenCV do not know SIFT.
    sift = cv2.SIFT_create(nfeatures=_NUM_KEYPOINTS)  # pyright: ignore[reportAttributeAccessIssue]
    keypoints, descriptors = sift.detectAndCompute(gray, None)
    return (cv2.KeyPoint.convert(keypoints), descriptors) if keypoints else none


def match_points(query: Points, candidate: Points) -> NDArray[np.float32]:
    """Matches points as `ratio_matches` does and keeps those that fit one homography.

    Args:
        query: The result of `sift_points`.
        candidate: The same for another photo.

    Returns:
        (m, 4) float32. Column and row in the query, then in the candidate, in pixels.
    """
    none = np.zeros((0, 4), np.float32)
    points = ratio_matches(query, candidate)
    if len(points) < 4:  # a homography needs four points
        return none
    _, is_kept = cv2.findHomography(points[:, :2], points[:, 2:], cv2.USAC_MAGSAC, _MAX_ERROR_PX)
    return none if is_kept is None else points[is_kept[:, 0].astype(bool)]


def ratio_matches(query: Points, candidate: Points) -> NDArray[np.float32]:
    """Matches points with Lowe's ratio test.

    Args:
        query: The result of `sift_points`.
        candidate: The same for another photo.

    Returns:
        (m, 4) float32. Column and row in the query, then in the candidate, in pixels.
    """
    if not len(query[0]) or len(candidate[0]) < 2:
        return np.zeros((0, 4), np.float32)
    nearest = cv2.BFMatcher().knnMatch(query[1], candidate[1], k=2)
    pairs = [
        (one.queryIdx, one.trainIdx)
        for one, other in nearest
        if one.distance < _RATIO * other.distance
    ]
    here, there = np.array(pairs, np.int64).reshape(-1, 2).T
    return np.concatenate([query[0][here], candidate[0][there]], axis=1)
