"""One eye's pictures, registered to the picture of the same eye wide open.

A landmark network hardly tells an open eye from one that is a quarter closed, while the picture
shows the lid's edge come down. So the picture is warped, after Lucas and Kanade, until it is most
like that of the open eye: shifted, turned, stretched, its grey levels scaled, and the lids moved.
"""

import cv2
import numpy as np

# Of the mesh: outer corner, upper lid, inner corner, lower lid back; mirror images of each other.
LEFT = np.array([33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7])
RIGHT = np.array([263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249])
CORNERS, UPPER, LOWER = [0, 8], np.arange(1, 8), np.arange(15, 8, -1)

ROUNDS = 6  # a lid comes down by more than one linear step can follow
# What is compared reaches beyond the corners, above and below by so many halves of the eye's width.
BESIDE, ABOVE, BELOW = 1.25, 0.55, 0.35
SKIN = 0.35  # reach of a lid's motion over the skin, likewise
INSIDE = 0.35  # and over the eye, in heights of the eye
NOISE = 0.25  # of the open eye's contrast, that no warp explains
# What is expected, in pixels, of the lids, and of the eye as a whole: its shift, and its turn or
# stretch at a corner. Little, for the alignment has put it in its place.
LID_PX, EYE_PX = 2.0, 0.5
GAIN, OFFSET = 0.5, 50.0  # expected of the grey levels
FURTHEST = 0.65  # of the eye's height; of a lid that is further down no more can be told


class OpenEye:
    """The picture of an eye wide open, which others are registered to.

    With I a picture, R the open eye's, and the warp w_p(x) = x + sum over k of p_k v_k(x), it seeks

        argmin over p, g of  sum over x of  m(x) (R(x) - I(w_p(x)) - g_0 (R(x) - mean R) - g_1)^2
                             + sigma^2 sum over k of  (p_k / s_k)^2

    by Gauss-Newton steps, in which R's gradients stand for those of I(w_p), so that one matrix
    serves all pictures. Of the k, two shift the eye, two are its lids, four turn and stretch it;
    s_k is `EYE_PX` or `LID_PX`, for g it is `GAIN` and `OFFSET`, and sigma is `NOISE` of R's
    contrast; m leaves out what lies between the lids.

    Parameters
    ----------
    picture : float [H, W]
        Grey levels.
    points : float [16, 2]
        The eye's points in it, in the order of `LEFT`; in pixels.

    Attributes
    ----------
    height : float
        Of the open eye, in pixels.
    contrast : float
        Standard deviation of the grey levels that are compared.
    """

    def __init__(self, picture: np.ndarray, points: np.ndarray) -> None:
        self._picture = picture
        grid = np.indices(picture.shape, np.float64)
        y, x = grid[0], grid[1]
        corners, upper, lower = points[CORNERS], points[UPPER], points[LOWER]
        half = max(float(np.ptp(corners[:, 0])) / 2, 1.0)
        self.height = max(float(lower[:, 1].max() - upper[:, 1].min()), 0.15 * half)
        middle = corners.mean(axis=0)
        across, down = (x - middle[0]) / half, (y - middle[1]) / half
        into = y - _edge(x, corners, upper), _edge(x, corners, lower) - y  # the eye, from each lid

        # A lid's motion is largest in its middle, and fades away from its edge.
        hump = np.clip(1 - across**2, 0.0, None)
        reaches = [np.where(depth < 0, SKIN * half, INSIDE * self.height) for depth in into]
        lids = [
            hump * np.exp(-0.5 * (depth / reach) ** 2)
            for depth, reach in zip(into, reaches, strict=True)
        ]
        none, one = np.zeros_like(x), np.ones_like(x)
        self._x, self._y = x, y
        self._to_right = np.stack([one, none, none, none, across, none, down, none], axis=-1)
        self._to_down = np.stack([none, one, *lids, none, down, none, across], axis=-1)

        near = (np.abs(across) < BESIDE) & (into[0] > -ABOVE * half) & (into[1] > -BELOW * half)
        # What lies between the lids moves with the gaze, and is covered.
        mask = (near & ~((into[0] > 0) & (into[1] > 0))).ravel()
        self.contrast = float(picture.ravel()[mask].std()) if mask.any() else 0.0
        slope_down, slope_right = np.gradient(picture)
        slopes = slope_right[..., None] * self._to_right + slope_down[..., None] * self._to_down
        self._grey = np.column_stack([picture.ravel() - picture.mean(), np.ones(picture.size)])
        causes = np.column_stack([slopes.reshape(picture.size, -1), self._grey])
        expected = np.array([EYE_PX, EYE_PX, LID_PX, LID_PX, *[EYE_PX] * 4, GAIN, OFFSET])
        self._prior = (NOISE * max(self.contrast, 1.0) / expected) ** 2
        self._compared = mask[:, None] * causes
        self._inverse = np.linalg.inv(self._compared.T @ causes + np.diag(self._prior))
        self._share = mask / max(1, mask.sum())

    def register(self, picture: np.ndarray) -> tuple[np.ndarray, float]:
        """Register a picture, float32 [H, W].

        Returns
        -------
        lids : float64 [2]
            How far the middle of the upper and of the lower lid has moved down, in pixels;
            `FURTHEST` of the eye's height at most.
        unlike : float
            What is left between the pictures, RMS, over the open eye's contrast: 0.02 to 0.15 of an
            open eye, 0.15 to 1 of one that is half closed, shut, or hidden.
        """
        warp = np.zeros(8)
        for _ in range(ROUNDS):
            right = (self._x + self._to_right @ warp).astype(np.float32)
            down = (self._y + self._to_down @ warp).astype(np.float32)
            shown = cv2.remap(picture, right, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            lacks = (self._picture - shown).ravel()
            step = self._inverse @ (lacks @ self._compared - self._prior * [*warp, 0.0, 0.0])
            warp = np.clip(warp + step[:8], -self.height, self.height)
        # Of the last round's picture: the last step is next to nothing.
        residual = lacks - self._grey @ step[8:]
        unlike = float(np.sqrt(self._share @ residual**2)) / max(self.contrast, 1.0)
        most = FURTHEST * self.height
        return np.clip(warp[2:4], -most, most), unlike


def _edge(x: np.ndarray, corners: np.ndarray, lid: np.ndarray) -> np.ndarray:
    """Height of a lid's edge at every pixel's x, float64 [H, W]."""
    points = np.concatenate([corners, lid])
    points = points[np.argsort(points[:, 0])]
    return np.interp(x, points[:, 0], points[:, 1])
