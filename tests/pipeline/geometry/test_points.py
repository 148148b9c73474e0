"""The index sets are mirror-symmetric and agree with one another."""

import numpy as np
import pytest

from fmdata.pipeline.geometry.points import (
    IBUG_68,
    LEFT_EYE_68,
    MAP_68,
    MESH_478,
    MIRROR_68,
    RIGHT_EYE_68,
    STABLE,
    STABLE_PAIRS,
    interocular_distance,
    layout_of,
    to_68,
)

# Mirror pairs of the mesh among the points used here; the other points lie on the midline.
PAIRS_478 = (
    *((127, 356), (234, 454), (93, 323), (58, 288), (172, 397), (136, 365), (149, 378)),
    *((148, 377), (70, 300), (63, 293), (105, 334), (66, 296), (107, 336), (240, 460), (97, 326)),
    *((33, 263), (160, 387), (158, 385), (133, 362), (153, 380), (144, 373)),
    *((61, 291), (39, 269), (37, 267), (181, 405), (84, 314), (78, 308), (82, 312), (87, 317)),
    (103, 332),
)


def mirror_478() -> np.ndarray:
    """Return the index of each used point of the mesh in a mirrored face, int [478]."""
    index = np.arange(478)
    for left, right in PAIRS_478:
        index[left], index[right] = right, left
    return index


def test_the_chin_is_point_8() -> None:
    assert MAP_68[8] == 152


def test_the_map_has_68_different_points() -> None:
    assert len(MAP_68) == len(set(MAP_68)) == 68


def test_a_mirrored_mesh_maps_to_the_mirrored_68() -> None:
    # A mesh of random points, and its mirror image about x = 0.
    mesh = np.random.default_rng(0).normal(size=(478, 3))
    mirrored = mesh[mirror_478()] * [-1, 1, 1]
    np.testing.assert_array_equal(to_68(mirrored), to_68(mesh)[MIRROR_68] * [-1, 1, 1])


def test_the_points_of_the_eyes_correspond() -> None:
    np.testing.assert_array_equal(MIRROR_68[LEFT_EYE_68], RIGHT_EYE_68)


def test_stable_points_are_mirror_symmetric() -> None:
    np.testing.assert_array_equal(np.sort(mirror_478()[STABLE]), np.sort(STABLE))
    np.testing.assert_array_equal(mirror_478()[STABLE_PAIRS[:, 0]], STABLE_PAIRS[:, 1])


def test_the_stable_points_of_the_68_are_mirror_symmetric_and_points_of_the_mesh() -> None:
    np.testing.assert_array_equal(np.sort(MIRROR_68[IBUG_68.stable]), np.sort(IBUG_68.stable))
    pairs = IBUG_68.stable_pairs
    np.testing.assert_array_equal(MIRROR_68[pairs[:, 0]], pairs[:, 1])
    assert MAP_68[list(IBUG_68.iod)].tolist() == list(MESH_478.iod)
    # All but the base of the nose, for which the mesh has a better point.
    assert set(MAP_68[IBUG_68.stable]) - set(STABLE) == {MAP_68[33]}


def test_a_layout_is_recognised_by_its_number_of_points() -> None:
    assert layout_of(np.zeros((7, 478, 3))) is MESH_478
    assert layout_of(np.zeros((68, 2))) is IBUG_68
    with pytest.raises(ValueError, match="5 points, wanted 478 or 68"):
        layout_of(np.zeros((7, 5, 3)))


def test_68_points_are_their_own_68() -> None:
    points = np.random.default_rng(0).normal(size=(4, 68, 3))
    np.testing.assert_array_equal(to_68(points), points)
    mesh = np.random.default_rng(0).normal(size=(4, 478, 3))
    np.testing.assert_array_equal(interocular_distance(to_68(mesh)), interocular_distance(mesh))


def test_the_mirror_is_its_own_inverse() -> None:
    np.testing.assert_array_equal(MIRROR_68[MIRROR_68], np.arange(68))


def test_to_68_keeps_leading_axes() -> None:
    assert to_68(np.zeros((4, 5, 478, 3))).shape == (4, 5, 68, 3)


def test_the_interocular_distance_includes_depth() -> None:
    # The outer eye corners lie 3 apart in x and 4 in depth: 5 in space, 3 in the image.
    mesh = np.zeros((2, 478, 3))
    mesh[:, 263] = [3, 0, 4]
    np.testing.assert_allclose(interocular_distance(mesh), [5, 5])
    np.testing.assert_allclose(interocular_distance(mesh[..., :2]), [3, 3])


def test_a_mirrored_image_has_the_mirrored_68(portrait: np.ndarray, landmarker) -> None:
    # The network sees the image and its mirror image; the 68 points must be the same places.
    [face] = landmarker.detect(portrait)
    [flipped] = landmarker.detect(portrait[:, ::-1].copy())
    points = to_68(face.landmarks)[..., :2]
    back = to_68(flipped.landmarks)[MIRROR_68, :2] * [-1, 1] + [portrait.shape[1], 0]
    error = np.linalg.norm(points - back, axis=-1) / interocular_distance(face.landmarks)
    assert error.mean() < 0.03
