"""Alignment, on tracks with a real face's geometry that turns, rolls and drops its jaw."""

import cv2
import numpy as np
import pytest

from fmdata.catalog.types import Track
from fmdata.pipeline.cropping.align import align, crop
from fmdata.pipeline.cropping.placement import EYES_HEIGHT, IOD_SHARE
from fmdata.pipeline.geometry.points import IOD_POINTS, STABLE, interocular_distance
from fmdata.pipeline.geometry.similarity import apply
from tests.helpers.faces import film

FPS = 30.0


def in_crop(track: Track, size: int) -> np.ndarray:
    """Return the landmarks in crop pixels, float64 [T, 478, 2]."""
    transforms = align(track, FPS, size)
    assert transforms.dtype == np.float32
    assert transforms.shape == (track.n_frames, 2, 3)
    return apply(transforms.astype(np.float64), track.landmarks[..., :2].astype(np.float64))


def wobble(points: np.ndarray) -> float:
    """Return the RMS distance of the stable points from their medians over time."""
    stable = points[:, STABLE]
    return float(np.sqrt(np.square(stable - np.median(stable, axis=0)).sum(-1).mean()))


def test_stable_points_stay_under_head_motion() -> None:
    # The head sways by 1.5 degrees about each axis; only the rotation in depth remains.
    points = in_crop(film(90, "smile", (20, 30, 50, 62), head=1.5), 112)
    assert wobble(points) <= 0.5


def test_an_expression_does_not_move_the_crop(face: np.ndarray) -> None:
    # Only the jaw moves: the transforms are constant, but for rounding.
    still = film(90, "jaw", (20, 30, 50, 62), jitter=0.0)
    transforms = align(still, FPS, 112)
    shift = np.abs(apply(transforms.astype(float), np.full((1, 1, 2), 320.0))).squeeze()
    assert np.ptp(shift, axis=0).max() < 0.2


@pytest.mark.parametrize("size", [64, 112, 224])
@pytest.mark.parametrize("motion", ["smile", "jaw", "brows"])
def test_the_whole_face_is_in_the_crop(motion: str, size: int) -> None:
    points = in_crop(film(60, motion, (10, 20, 40, 50), head=8.0), size)
    assert points.min() >= 0
    assert points.max() <= size - 1


@pytest.mark.parametrize("size", [64, 112, 224])
def test_the_eyes_are_at_the_template_position(size: int) -> None:
    points = in_crop(film(60, "smile", (10, 20, 40, 50), head=1.0), size)
    eyes = points[:, IOD_POINTS]
    assert np.median(interocular_distance(points)) == pytest.approx(IOD_SHARE * size, rel=0.01)
    assert np.median(eyes[..., 1]) == pytest.approx(EYES_HEIGHT * size, abs=0.01 * size)
    assert np.median(eyes[..., 0]) == pytest.approx((size - 1) / 2, abs=0.02 * size)


def test_roll_is_removed() -> None:
    # The camera is rotated by 30 degrees: the line between the eyes is level in the crop.
    track = film(40, "smile", (10, 15, 25, 30))
    turn = np.deg2rad(30) * 1j
    points = (track.landmarks[..., 0] + 1j * track.landmarks[..., 1]) * np.exp(turn)
    rotated = np.stack([points.real, points.imag, track.landmarks[..., 2]], -1)
    tilted = Track(**{**vars(track), "landmarks": rotated.astype(np.float32)})
    eyes = in_crop(tilted, 112)[:, IOD_POINTS]
    assert np.abs(eyes[:, 0, 1] - eyes[:, 1, 1]).max() < 1.0


def test_a_turned_head_is_not_enlarged() -> None:
    # At 25 degrees of yaw the eyes are a tenth nearer to each other in the picture, but not in
    # space: the face's height in the crop does not change.
    ahead, aside = film(40, jitter=0.0), film(40, jitter=0.0)
    c, s = np.cos(np.deg2rad(25)), np.sin(np.deg2rad(25))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    centre = ahead.landmarks.mean((0, 1))
    turned = ((ahead.landmarks - centre) @ turn.T + centre).astype(np.float32)
    aside = Track(**{**vars(ahead), "landmarks": turned})
    heights = [np.ptp(in_crop(t, 112)[0, [10, 152], 1]) for t in (ahead, aside)]
    assert heights[1] == pytest.approx(heights[0], rel=0.02)


def test_there_is_no_lag() -> None:
    # The transforms of the reversed track are the reversed transforms.
    track = film(50, "smile", (10, 20, 30, 40), head=5.0)
    back = Track(**{**vars(track), "landmarks": track.landmarks[::-1].copy()})
    np.testing.assert_allclose(align(back, FPS, 112)[::-1], align(track, FPS, 112), atol=1e-3)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_few_frames_are_enough(n: int) -> None:
    assert np.isfinite(align(film(n), FPS, 112)).all()


def test_crop_moves_pixels_by_the_transform() -> None:
    # A white dot of 3x3 pixels around (50, 40), moved by (-30, -20), is around (20, 20).
    rgb = np.zeros((90, 90, 3), np.uint8)
    rgb[39:42, 49:52] = 255
    small = crop(rgb, np.array([[1, 0, -30], [0, 1, -20]], np.float32), 64)
    assert small.shape == (64, 64, 3)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small[19:22, 19:22], 255)
    assert small.astype(int).sum() == 9 * 3 * 255


def test_a_large_face_does_not_alias() -> None:
    # Pixel noise with a standard deviation of 60 is far finer than the crop and averages out;
    # sampled directly it would keep most of its deviation.
    rgb = np.random.default_rng(0).normal(128, 60, (800, 800, 3)).clip(0, 255).astype(np.uint8)
    inner = crop(rgb, np.array([[0.13, 0, 0], [0, 0.13, 0]]), 100)[5:-5, 5:-5]
    assert inner.std() < 60 / 6


def test_a_large_face_is_not_shifted() -> None:
    # A disc around (400, 300), shrunk by eight, is around (50, 37.5).
    rgb = np.zeros((800, 800, 3), np.uint8)
    cv2.circle(rgb, (400, 300), 100, (255, 255, 255), -1)
    scale = 1 / 8
    transform = np.array([[scale, 0, 0], [0, scale, 0]])
    grey = crop(rgb, transform, 100)[..., 0].astype(float)
    rows, columns = np.indices(grey.shape)
    centre = [(grey * columns).sum() / grey.sum(), (grey * rows).sum() / grey.sum()]
    np.testing.assert_allclose(centre, [50, 37.5], atol=0.05)


def test_outside_the_frame_is_black() -> None:
    rgb = np.full((50, 50, 3), 255, np.uint8)
    for scale in (1.0, 0.2):
        away = crop(rgb, np.array([[scale, 0, 500], [0, scale, 500]]), 64)
        assert away.max() == 0
