"""AU attention maps cover the right cells, mirror with the face, and equal a slow version."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fmdata.pipeline.geometry.points import MAP_68, MIRROR_68
from fmdata.pipeline.geometry.similarity import apply
from fmdata.train.action_units.attention import CENTRES, attention_maps, au_centres
from fmdata.train.action_units.stand_ins import BP4D, DISFA

ALL = tuple(CENTRES)
SIZE = 112


@pytest.fixture(scope="module")
def in_crop(face: np.ndarray) -> np.ndarray:
    """Return the portrait's mesh in a crop of 112 pixels, with an IOD of 40, float64 [478, 2]."""
    return face[:, :2] * 40 + [55, 50]


def test_the_benchmarks_have_twelve_and_eight_units() -> None:
    assert (len(BP4D), len(DISFA)) == (12, 8)
    assert set(BP4D) | set(DISFA) == set(ALL)


@pytest.mark.parametrize("aus", [BP4D, DISFA])
def test_each_au_has_a_map_between_0_and_1(in_crop: np.ndarray, aus: tuple[int, ...]) -> None:
    maps = attention_maps(np.stack([in_crop, in_crop + 5]), SIZE, aus)
    assert (maps.shape, maps.dtype) == ((2, len(aus), 14, 14), np.float32)
    assert maps.min() >= 0
    assert maps.max() <= 1 + 1e-6
    assert (maps.max((-2, -1)) > 0.4).all()


def test_the_cells_of_known_points_are_set() -> None:
    """Inner eye corners 32 pixels apart in a crop of 112, so circles of 16: two cells of 8.

    The mouth's corners are in the middle of cells (row 9, columns 4 and 9), the inner brows in
    row 4; the centres of AU 1 are half of 32 pixels above, two rows.
    """
    points = np.zeros((68, 2))
    points[[39, 42]] = [[40, 44], [72, 44]]
    points[[48, 54]] = np.array([[4, 9], [9, 9]]) * 8 + 3.5
    points[[21, 22]] = np.array([[5, 4], [8, 4]]) * 8 + 3.5
    smile, brows = attention_maps(points, SIZE, (12, 1))
    for at, map_ in (((9, 4), smile), ((9, 9), smile), ((2, 5), brows), ((2, 8), brows)):
        assert map_[at] == pytest.approx(1, abs=1e-3)
    # The map is zero four cells from a centre, and small between the mouth's corners.
    assert smile[:5].max() == smile[:, 0].max() == 0
    assert smile[9, [4, 5, 6]].tolist() == sorted(smile[9, [4, 5, 6]], reverse=True)
    assert brows[7:].max() == 0


@pytest.mark.parametrize("au", ALL)
def test_a_mirrored_face_has_mirrored_maps(in_crop: np.ndarray, au: int) -> None:
    # Rotated a little, so that the face is not symmetric.
    turn = np.array([[0.99, -0.12, 6.0], [0.12, 0.99, -4.0]])
    points = apply(turn, in_crop[MAP_68])
    mirrored = points[MIRROR_68] * [-1, 1] + [SIZE - 1, 0]
    (one,), (other,) = attention_maps(points, SIZE, [au]), attention_maps(mirrored, SIZE, [au])
    np.testing.assert_allclose(other, one[:, ::-1], atol=1e-5)
    assert np.abs(one - one[:, ::-1]).max() > 0.1


def test_the_mesh_and_its_68_points_have_the_same_maps(in_crop: np.ndarray) -> None:
    np.testing.assert_array_equal(
        attention_maps(in_crop, SIZE), attention_maps(in_crop[MAP_68], SIZE)
    )
    assert MAP_68[8] == 152


@pytest.mark.parametrize(("size", "au"), [(112, 6), (224, 1)])
def test_a_map_equals_one_drawn_pixel_by_pixel(in_crop: np.ndarray, size: int, au: int) -> None:
    points = in_crop * (size / SIZE)
    (found,) = attention_maps(points, size, [au])
    np.testing.assert_allclose(found, slowly(points[MAP_68], size, au), atol=1e-5)


def slowly(points: np.ndarray, size: int, au: int) -> np.ndarray:
    """Draw one map by the paper's description: ellipses, a Gaussian, 14 × 14."""
    inner = abs(points[39, 0] - points[42, 0])
    which, below = CENTRES[au]
    image = np.zeros((224, 224))
    for row in range(224):
        for column in range(224):
            # This pixel's centre in the crop.
            x, y = (column + 0.5) * size / 224 - 0.5, (row + 0.5) * size / 224 - 0.5
            for point in which:
                dx, dy = x - points[point, 0], y - (points[point, 1] + below * inner)
                image[row, column] = max(image[row, column], np.hypot(dx, dy) <= inner / 2)
    smooth = gaussian_filter(image, 3, mode="constant", truncate=4)
    starts = range(0, 224, 16)
    return np.array([[smooth[r : r + 16, c : c + 16].mean() for c in starts] for r in starts])


def test_points_outside_the_crop_are_not_drawn(in_crop: np.ndarray) -> None:
    assert attention_maps(in_crop + 500, SIZE).max() == 0


def test_centres_are_relative_to_the_face(in_crop: np.ndarray) -> None:
    centres, distance = au_centres(in_crop, ALL)
    moved, larger = au_centres(in_crop * 3 + [7, 9], ALL)
    np.testing.assert_allclose(moved, centres * 3 + [7, 9])
    assert larger == pytest.approx(3 * distance)


def test_unknown_units_and_landmarks_are_refused(in_crop: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no centres for AU \\[3\\]"):
        attention_maps(in_crop, SIZE, (1, 3))
    with pytest.raises(ValueError, match="landmarks of 70 points"):
        attention_maps(in_crop[:70], SIZE)
