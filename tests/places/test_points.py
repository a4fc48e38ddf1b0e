import numpy as np
import pytest

from placevec.config import TupleConfig
from placevec.places.dataset import PlaceDataset
from placevec.places.points import points_matrix, points_of_depth
from placevec.places.tuples import TupleSampler

# 4 rows of 10 pixels; at 5 m pixels lie 1 m apart, from 4.5 m left to 4.5 m right of the axis.
INTRINSICS = np.array([[5.0, 0, 4.5], [0, 5.0, 1.5], [0, 0, 1]])


def pose(east_m=0.0, ahead_m=0.5, turn_deg=0.0):
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    matrix = np.eye(4)
    matrix[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    matrix[:3, 3] = east_m, 0.0, ahead_m
    return matrix


def wall(distance_m=5.0):
    return np.full((4, 10), distance_m)


def seen(depth_m, camera_to_world):
    return points_of_depth(depth_m, camera_to_world, INTRINSICS, cell_m=1.0)


def test_two_cameras_that_face_one_wall_share_what_both_see():
    # One sees 10 x 4 square metres of wall, the other as many 4 m to the right: 6 x 4 in common.
    one, other = seen(wall(), pose()), seen(wall(), pose(east_m=4.0))
    assert len(one) == len(other) == 40
    assert len(np.intersect1d(one, other)) == 24
    back = seen(wall(), pose(turn_deg=180.0))
    assert len(back) == 40
    assert len(np.intersect1d(one, back)) == 0
    dataset = PlaceDataset(
        "walls", list("abc"), positions_m=[[0, 0], [4, 0], [0, 0]],
        points_seen=points_matrix([one, other, back]),
    )  # fmt: skip
    sampler = TupleSampler(
        dataset,
        **vars(
            TupleConfig(
                num_positives=1,
                num_negatives=0,
                positive_radius_m=10,
                negative_radius_m=25,
                positive_rule="shared_points",
                min_overlap=0.6,
            )
        ),
    )
    assert sampler.positives(0).tolist() == [1]
    assert sampler.why(0, 1) == "positive: 4.0 m apart, 60 % of the points shared"
    assert sampler.why(0, 2) == "neither: 0.0 m apart, 0 % of the points shared"


def test_the_same_wall_from_nearer_is_the_same_cells():
    near = seen(wall(2.5), pose(ahead_m=3.0))
    assert 0 < len(near) < 40
    assert np.isin(near, seen(wall(), pose())).all()


def test_equals_the_formula_in_plain_loops():
    rng = np.random.default_rng(0)
    depth_m, matrix = rng.uniform(1, 9, (4, 10)), pose(3.0, -2.0, 35.0)
    cells = set()
    for row in range(4):
        for column in range(10):
            z = depth_m[row, column]
            camera = np.array([(column - 4.5) / 5 * z, (row - 1.5) / 5 * z, z, 1.0])
            cells.add(tuple(np.floor((matrix @ camera)[:3] / 0.3).astype(int)))
    assert len(points_of_depth(depth_m, matrix, INTRINSICS, cell_m=0.3)) == len(cells)


@pytest.mark.parametrize("unknown", [0.0, -1.0, np.nan, np.inf])
def test_pixels_of_unknown_depth_see_nothing(unknown):
    depth_m = wall()
    depth_m[:, 5:] = unknown
    assert len(seen(depth_m, pose())) == 20
    assert seen(np.full((4, 10), unknown), pose()).shape == (0,)


def test_makes_a_column_for_each_point_that_is_seen():
    matrix = points_matrix([np.array([9, 4, 9]), np.array([], int), np.array([4, 10**15])])
    assert matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 1]]
    assert points_matrix([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((np.zeros(3), np.eye(4), INTRINSICS, 1.0), r"must be \(H, W\).*shapes \(3,\)"),
        ((wall(), np.eye(3), INTRINSICS, 1.0), r"Received: shapes \(4, 10\), \(3, 3\)"),
        ((wall(), np.eye(4), INTRINSICS, 0.0), "`cell_m` must be above 0"),
        ((wall(), np.eye(4), INTRINSICS, 1e-6), "within 1048576 cells of the origin"),
        ((wall(), np.full((4, 4), np.nan), INTRINSICS, 1.0), "or an unknown pose"),
    ],
)
def test_refuses_what_is_no_depth(arguments, match):
    *matrices, cell_m = arguments
    with pytest.raises(ValueError, match=match):
        points_of_depth(*matrices, cell_m=cell_m)
