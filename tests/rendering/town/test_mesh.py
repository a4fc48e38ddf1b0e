import numpy as np

from placevec.rendering.town.mesh import Mesh, Quads, join, upright

WALL = upright(np.array([0.0, 0.0]), np.array([4.0, 0.0]), 0.0, 2.0)


def only(mesh, name="it"):
    return mesh.quads()[name]


def test_a_quad_keeps_its_corners_and_faces_its_viewer():
    mesh = Mesh()
    mesh.add("it", WALL, tint=(0.5, 1.0, 0.25))
    quads = only(mesh)
    np.testing.assert_array_equal(quads.positions_m[0], WALL)
    np.testing.assert_array_equal(quads.uvs[0], [(0, 0), (1, 0), (1, 1), (0, 1)])
    np.testing.assert_array_equal(quads.normals[0], [0, -1, 0])
    np.testing.assert_array_equal(quads.tints[0], [0.5, 1.0, 0.25])


def test_cells_cover_the_quad_without_gaps():
    mesh = Mesh()
    mesh.add("it", WALL, cells=(4, 2), uv=(0.5, 0.0, 1.0, 0.5))
    quads = only(mesh)
    assert len(quads) == 8
    areas = np.prod(quads.positions_m[:, 2] - quads.positions_m[:, 0], axis=1, where=[1, 0, 1])
    np.testing.assert_allclose(areas, 1.0)
    # The texture coordinates go along: u = 0.5 + x / 8 and v = z / 4 at every corner.
    np.testing.assert_allclose(quads.uvs[..., 0], 0.5 + quads.positions_m[..., 0] / 8)
    np.testing.assert_allclose(quads.uvs[..., 1], quads.positions_m[..., 2] / 4)


def test_a_box_shows_four_sides_and_a_top_outwards():
    mesh = Mesh()
    mesh.add_box("it", np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.array([4, 2, 3]), (1, 1, 1))
    quads = only(mesh)
    assert len(quads) == 5
    outwards = quads.positions_m.mean(axis=1) - [1.0, 2.0, 1.5]
    assert (np.einsum("ij,ij->i", outwards, quads.normals) > 0.9).all()
    np.testing.assert_allclose(quads.positions_m.min(axis=(0, 1)), [0, 0, 0])
    np.testing.assert_allclose(quads.positions_m.max(axis=(0, 1)), [2, 4, 3])


def test_quads_lit_from_everywhere_have_no_normal():
    mesh = Mesh()
    mesh.add("it", WALL, is_lit_by_side=False)
    np.testing.assert_array_equal(only(mesh).normals, 0)


def test_join_and_take_keep_the_order():
    mesh = Mesh()
    for x in range(3):
        mesh.add("it", WALL + [x, 0, 0])
    quads = only(mesh)
    picked = join([quads.take([2]), quads.take(np.array([True, False, False]))])
    assert isinstance(picked, Quads)
    np.testing.assert_array_equal(picked.positions_m[:, 0, 0], [2, 0])
