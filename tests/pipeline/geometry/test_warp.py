"""Pictures through affine maps have the bytes of OpenCV's own, whichever way is quicker."""

import cv2
import numpy as np
import pytest

from fmdata.pipeline.geometry.warp import MAX_RATIO, warped


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
@pytest.mark.parametrize("ratio", [0.5, 2 * MAX_RATIO])
def test_a_map_gives_the_bytes_of_opencv(border: int, ratio: float) -> None:
    rng, side = np.random.default_rng(0), 64
    width = round(side * ratio**0.5)
    picture = rng.integers(0, 256, (width, width, 3), np.uint8)
    for turn in rng.uniform(-1, 1, 20):
        linear = 0.9 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        matrix = np.column_stack([linear, rng.uniform(-20, 20, 2)])
        theirs = cv2.warpAffine(
            picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border
        )
        assert np.array_equal(warped(picture, matrix, side, border), theirs)
