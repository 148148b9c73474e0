"""Local binary patterns (LBP): the texture of a face, independent of the brightness.

The 3 × 3 operator of the SMaTE paper (Kim, Cho and Bae 2022), Eq. 1-2.
"""

import cv2
import numpy as np

# (row, column) of neighbour p = 0 .. 7 about the centre: clockwise from the top left. The paper
# does not fix the order.
NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def lbp(grey: np.ndarray) -> np.ndarray:
    """Compute the LBP map of a grey image.

    LBP = Σ_p 2^p · S(g_p − g_c), with S(x) = 1 where x ≥ 0, else 0 (Eq. 1-2). At the border the
    missing neighbours repeat the nearest pixel of the image.

    Parameters
    ----------
    grey : uint8 [H, W]

    Returns
    -------
    uint8 [H, W]
    """
    height, width = grey.shape
    # On the flattened image a neighbour is a shift; the two columns of the border are cut off last.
    padded = cv2.copyMakeBorder(grey, 1, 1, 1, 1, cv2.BORDER_REPLICATE).ravel()
    row, first = width + 2, width + 3  # length of a row, and position of the first centre
    n = height * row - 2
    codes, bit = np.zeros(height * row, np.uint8), np.empty(n, np.bool_)
    centres, shown, number = padded[first : first + n], codes[:n], bit.view(np.uint8)
    for down, right in reversed(NEIGHBOURS):  # from the highest bit to the lowest
        neighbour = first + down * row + right
        np.greater_equal(padded[neighbour : neighbour + n], centres, out=bit)
        np.add(shown, shown, out=shown)
        np.add(shown, number, out=shown)
    return np.ascontiguousarray(codes.reshape(height, row)[:, :width])


def grey(rgb: np.ndarray) -> np.ndarray:
    """Convert an RGB image, uint8 [H, W, 3], to grey levels (ITU-R BT.601 luma), uint8 [H, W]."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
