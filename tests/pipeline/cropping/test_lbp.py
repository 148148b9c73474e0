"""LBP maps equal those of a loop over the pixels, written from Eq. 1-2 of the SMaTE paper."""

import numpy as np
import pytest

from fmdata.pipeline.cropping.lbp import NEIGHBOURS, grey, lbp


def literal_lbp(image: np.ndarray) -> np.ndarray:
    """Compute sum over p of 2^p S(g_p - g_c), S(x) = 1 if x >= 0 else 0, pixel by pixel."""
    height, width = image.shape
    codes = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            code = 0
            for p, (dy, dx) in enumerate(NEIGHBOURS):
                row = min(max(y + dy, 0), height - 1)
                column = min(max(x + dx, 0), width - 1)
                if int(image[row, column]) - int(image[y, x]) >= 0:
                    code += 2**p
            codes[y, x] = code
    return codes


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (17, 23), (32, 32)])
@pytest.mark.parametrize("levels", [2, 256])  # few levels: many equal neighbours
def test_random_images_have_the_codes_of_the_paper(
    seed: int, shape: tuple[int, int], levels: int
) -> None:
    image = np.random.default_rng(seed).integers(0, levels, shape, dtype=np.uint8)
    assert np.array_equal(lbp(image), literal_lbp(image))


def test_a_brightness_offset_does_not_change_the_map() -> None:
    image = np.random.default_rng(0).integers(0, 200, (20, 20), dtype=np.uint8)
    assert np.array_equal(lbp(image), lbp(image + 50))


def test_one_bright_neighbour_sets_one_bit() -> None:
    # Only the pixel to the right (p = 3) is as bright as the centre.
    image = np.array([[0, 0, 0], [0, 9, 9], [0, 0, 0]], np.uint8)
    assert lbp(image)[1, 1] == 2**3


def test_grey_is_bt601_luma() -> None:
    red, green, blue = np.eye(3, dtype=np.uint8).reshape(3, 1, 1, 3) * 255
    assert [int(grey(c)[0, 0]) for c in (red, green, blue)] == [76, 150, 29]
