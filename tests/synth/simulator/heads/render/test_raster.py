"""The z-buffer: which pixels a triangle covers, which triangle is in front, and what is cut off."""

import numpy as np

from fmdata.synth.simulator.heads.render.arrays import Surface
from fmdata.synth.simulator.heads.render.raster import (
    all_shares,
    draw_ids,
    draw_nearness,
    vertex_normals,
)

SIZE = 16
PLAIN = np.zeros((1, 1), np.float32)
# Counter-clockwise as seen by the camera, because rows go down.
SQUARE = [(2, 2), (2, 12), (12, 12), (12, 2)]


def surface(triangles: list[list[int]], n: int, **changed: object) -> Surface:
    """Return opaque triangles over `n` vertices."""
    corners = np.array(triangles, np.int32)
    kept = {
        "triangles": corners,
        "part": np.zeros(len(corners), np.int8),
        "two_sided": np.zeros(len(corners), bool),
        "grain": np.zeros(len(corners), np.float32),
        "cut": np.ones(n, np.float32),
        "uv": np.zeros((n, 2), np.float32),
        "casting": corners,
    }
    return Surface(**{**kept, **changed})


def screen(points: list[tuple[float, float]], near: float = 1.0) -> np.ndarray:
    return np.array([(x, y, near) for x, y in points], np.float32)


def test_two_triangles_fill_a_square_without_a_hole_and_nothing_beside_it() -> None:
    ids, _ = draw_ids(screen(SQUARE), surface([[0, 1, 2], [0, 2, 3]], 4), PLAIN, SIZE)
    assert (ids[2:13, 2:13] >= 0).all()
    assert (ids >= 0).sum() == 11 * 11
    assert set(np.unique(ids)) == {-1, 0, 1}


def test_a_mesh_of_thin_triangles_has_no_hole() -> None:
    """A fan of 60 slivers around a point covers its whole disc."""
    angle = np.linspace(0, 2 * np.pi, 61)[:-1]
    rim = np.stack([32 + 29 * np.cos(angle), 32 - 29 * np.sin(angle)], axis=1)
    points = screen([(31.7, 32.3), *map(tuple, rim)])
    fan = [[0, k + 1, (k + 1) % 60 + 1] for k in range(60)]
    ids, _ = draw_ids(points, surface(fan, 61), PLAIN, 64)
    y, x = np.mgrid[:64, :64]
    assert (ids[np.hypot(x - 32, y - 32) < 28] >= 0).all()


def test_the_nearer_triangle_hides_the_other_in_either_order() -> None:
    points = np.concatenate([screen(SQUARE, 1.0), screen(SQUARE, 1.5)])
    for order in ([[0, 1, 2], [4, 5, 6]], [[4, 5, 6], [0, 1, 2]]):
        ids, near = draw_ids(points, surface(order, 8), PLAIN, SIZE)
        assert set(np.unique(ids)) == {-1, order.index([4, 5, 6])}
        assert np.allclose(near[ids >= 0], 1.5)


def test_a_back_is_drawn_only_where_it_is_asked_for() -> None:
    back = surface([[2, 1, 0]], 4)
    assert (draw_ids(screen(SQUARE), back, PLAIN, SIZE)[0] == -1).all()
    shown = back._replace(two_sided=np.array([True]))
    assert (draw_ids(screen(SQUARE), shown, PLAIN, SIZE)[0] == 0).any()


def test_the_shares_give_back_the_place_of_the_pixel() -> None:
    points = screen([(1, 1), (3, 14), (14, 6)])
    triangle = surface([[0, 1, 2]], 3)
    ids, _ = draw_ids(points, triangle, PLAIN, SIZE)
    rows, columns = np.nonzero(ids == 0)
    two = all_shares(ids, points, triangle.triangles)[rows, columns]
    shares = np.column_stack([two, 1 - two.sum(axis=1)])
    assert np.allclose(shares @ points[:, :2], np.stack([columns, rows], 1), atol=1e-4)


def test_a_cover_ends_where_its_cut_falls_below_zero() -> None:
    """The cut goes from 1 on the left to -1 on the right, so the right half is not drawn."""
    cut = np.array([1, 1, -1, -1], np.float32)
    half = surface([[0, 1, 2], [0, 2, 3]], 4, cut=cut)
    ids, _ = draw_ids(screen(SQUARE), half, PLAIN, SIZE)
    assert (ids[2:13, 2:7] >= 0).all()
    assert (ids[:, 8:] == -1).all()


def test_strands_leave_gaps_where_the_cut_is_below_their_weight() -> None:
    strands = np.tile(np.array([[0.0, 1.0]], np.float32), (SIZE, SIZE // 2))
    uv = np.array(SQUARE, np.float32) + np.float32(0.5)
    covered = surface(
        [[0, 1, 2], [0, 2, 3]], 4, cut=np.full(4, 0.5, np.float32), uv=uv,
        grain=np.full(2, 0.8, np.float32),
    )  # fmt: skip
    ids, _ = draw_ids(screen(SQUARE), covered, strands, SIZE)
    assert (ids[3:12, 4:12:2] >= 0).all()
    assert (ids[3:12, 5:12:2] == -1).all()


def test_nearness_is_that_of_the_nearest_triangle_and_far_elsewhere() -> None:
    points = np.concatenate([screen(SQUARE, -3.0), screen(SQUARE, 2.0)])
    near = draw_nearness(points, np.array([[0, 1, 2], [4, 5, 6]], np.int32), SIZE)
    assert near[10, 4] == 2.0
    assert near[0, 0] < -1e8


def test_normals_point_away_from_a_closed_body() -> None:
    """Corners of a tetrahedron around the origin: each normal has a positive product with it."""
    points = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]], np.int32)
    normals = vertex_normals(points, faces)
    assert ((normals * points).sum(axis=1) > 0.9).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
