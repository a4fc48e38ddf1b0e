import base64

import cv2
import keras
import numpy as np
import pytest

from placevec.evaluation.report import ClusterMaps
from placevec.evaluation.report.cluster_maps import clusters_section
from placevec.layers import GeM, NetVLAD


def left_and_right(photos):
    """Cluster 0 takes the left half of each photo, cluster 2 the right half, cluster 1 nothing."""
    assignment = np.zeros((len(photos), 4, 6, 3), np.float32)
    assignment[:, :, :3, 0] = assignment[:, :, 3:, 2] = 1
    return assignment


def pixels_of(photo):
    data = np.frombuffer(base64.b64decode(photo.jpeg_base64), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(float)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_cluster_is_bright_where_it_looks_in_both_photos(make_evaluation, channels):
    maps = ClusterMaps(assign=left_and_right, image_size=(32, 48), channels=channels, count=2)
    section = clusters_section(maps, make_evaluation(), [0, 1, 2])
    assert len(section.strips) == 2
    photos, *clusters = section.strips[0]
    assert [each.caption for each in clusters] == [
        "cluster 0: 50 %, 50 %", "cluster 2: 50 %, 50 %", "cluster 1: 0 %, 0 %",
    ]  # fmt: skip
    whole, left, right, none = map(pixels_of, section.strips[0])
    assert whole.shape == (180, 135)  # one above the other
    for rows in (slice(0, 90), slice(90, 180)):
        assert left[rows, :50].mean() == pytest.approx(whole[rows, :50].mean(), abs=4)
        assert left[rows, 90:].mean() == pytest.approx(0.15 * whole[rows, 90:].mean(), abs=4)
        assert right[rows, 90:].mean() > left[rows, 90:].mean()
    assert none.mean() < 0.25 * whole.mean()


def test_photos_that_are_gone_are_passed_over(make_evaluation):
    evaluation = make_evaluation()
    evaluation.dataset.path(evaluation.dataset.queries[0]).unlink()
    maps = ClusterMaps(assign=left_and_right, image_size=(32, 48), count=1)
    ((photos, *_),) = clusters_section(maps, evaluation, [0, 1]).strips
    assert photos.caption.startswith("photo01.png and ")


def test_says_why_there_are_none(make_evaluation):
    assert "--cluster-maps 3" in clusters_section(None, make_evaluation(), [0]).notes[0]
    photos = keras.Input((32, 48, 3), dtype="uint8")
    cells = keras.ops.cast(photos, "float32")
    gem = ClusterMaps.of(keras.Model(photos, GeM()(cells)), 1, None)
    section = clusters_section(gem, make_evaluation(), [0])
    assert not section.strips and "one NetVLAD layer" in section.notes[0]


def test_shows_the_clusters_of_a_network(make_evaluation):
    photos = keras.Input((32, 48, 3), dtype="uint8")
    cells = keras.ops.cast(photos, "float32")
    maps = ClusterMaps.of(keras.Model(photos, NetVLAD(num_clusters=2)(cells)), 1, None)
    (strip,) = clusters_section(maps, make_evaluation(), [0]).strips
    assert len(strip) == 3
