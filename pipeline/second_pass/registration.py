"""Registration of an eye's images to the image of the same eye wide open, after Lucas and Kanade.

A landmark network hardly distinguishes an open eye from one that is a quarter closed, while the
pixels show the lid's edge move. The warp has parameters for shift, rotation and stretch of the eye,
and for both lids; gain and offset of the grey levels are fitted too. The gradients are those of the
template, so that one inverse of the Gram matrix serves all images: Hager and Belhumeur, "Efficient
region tracking with parametric models of geometry and illumination", PAMI 1998.
"""

import cv2
import numpy as np

# Points of the mesh: outer corner, upper lid, inner corner, lower lid back; mirror-symmetric.
LEFT = np.array([33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7])
RIGHT = np.array([263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249])
CORNERS, UPPER, LOWER = [0, 8], np.arange(1, 8), np.arange(15, 8, -1)

ROUNDS = 6  # Gauss-Newton steps: a lid moves further than one linear step
# The compared area, in half widths of the eye: from its middle to either side, above the upper lid,
# below the lower lid.
BESIDE, ABOVE, BELOW = 1.25, 0.55, 0.35
SKIN = 0.35  # reach of a lid's motion over the skin, in half widths of the eye
INSIDE = 0.35  # reach of a lid's motion over the eye, in heights of the eye
NOISE = 0.25  # standard deviation of the pixels that no warp explains, over the eye's contrast
# Prior standard deviations, in pixels: of the lids, and of the eye's shift, and of its rotation or
# stretch at a corner. The latter are small, because the crops are aligned.
LID_PX, EYE_PX = 2.0, 0.5
GAIN, OFFSET = 0.5, 50.0  # prior standard deviations for the grey levels
MAX_CLOSURE = 0.65  # of the eye's height; beyond that the measurement saturates


class OpenEye:
    """The image of an eye wide open, as the template of a registration.

    With I an image, R the template, and the warp w_p(x) = x + sum over k of p_k v_k(x), it solves

        argmin over p, g of  sum over x of  m(x) (R(x) - I(w_p(x)) - g_0 (R(x) - mean R) - g_1)^2
                             + sigma^2 sum over k of  (p_k / s_k)^2

    by Gauss-Newton steps with the gradients of R in place of those of I(w_p). Of the k, two shift
    the eye, two move its lids, four rotate and stretch it; the prior standard deviation s_k is
    `EYE_PX` or `LID_PX`, for g it is `GAIN` and `OFFSET`, and sigma is `NOISE` of R's contrast. The
    mask m leaves out the area between the lids.

    Parameters
    ----------
    template : float [H, W]
        Grey levels.
    points : float [16, 2]
        The eye's points, in the order of `LEFT`; in pixels of the image.

    Attributes
    ----------
    height : float
        Height of the open eye, in pixels.
    contrast : float
        Standard deviation of the grey levels in the compared area.
    """

    def __init__(self, template: np.ndarray, points: np.ndarray) -> None:
        self._template = template
        grid = np.indices(template.shape, np.float64)
        y, x = grid[0], grid[1]
        corners, upper, lower = points[CORNERS], points[UPPER], points[LOWER]
        half = max(float(np.ptp(corners[:, 0])) / 2, 1.0)
        self.height = max(float(lower[:, 1].max() - upper[:, 1].min()), 0.15 * half)
        middle = corners.mean(axis=0)
        across, down = (x - middle[0]) / half, (y - middle[1]) / half
        into = y - _edge(x, corners, upper), _edge(x, corners, lower) - y  # the eye, from each lid

        # A lid's motion is largest in its middle, and decreases away from its edge.
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
        # The area between the lids moves with the gaze, and the lids cover it.
        mask = (near & ~((into[0] > 0) & (into[1] > 0))).ravel()
        self.contrast = float(template.ravel()[mask].std()) if mask.any() else 0.0
        slope_down, slope_right = np.gradient(template)
        slopes = slope_right[..., None] * self._to_right + slope_down[..., None] * self._to_down
        self._grey = np.column_stack([template.ravel() - template.mean(), np.ones(template.size)])
        causes = np.column_stack([slopes.reshape(template.size, -1), self._grey])
        expected = np.array([EYE_PX, EYE_PX, LID_PX, LID_PX, *[EYE_PX] * 4, GAIN, OFFSET])
        self._prior = (NOISE * max(self.contrast, 1.0) / expected) ** 2
        self._compared = mask[:, None] * causes
        self._inverse = np.linalg.inv(self._compared.T @ causes + np.diag(self._prior))
        self._share = mask / max(1, mask.sum())

    def register(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Register an image, float32 [H, W].

        Returns
        -------
        lids : float64 [2]
            Downward displacement of the middle of the upper and of the lower lid, in pixels;
            `MAX_CLOSURE` of the eye's height at most.
        residual : float
            RMS over the compared area, over the open eye's contrast: 0.02 to 0.15 for an open eye,
            0.15 to 1 for one that is half closed, shut, or hidden.
        """
        warp = np.zeros(8)
        for _ in range(ROUNDS):
            right = (self._x + self._to_right @ warp).astype(np.float32)
            down = (self._y + self._to_down @ warp).astype(np.float32)
            shown = cv2.remap(image, right, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            lacks = (self._template - shown).ravel()
            step = self._inverse @ (lacks @ self._compared - self._prior * [*warp, 0.0, 0.0])
            warp = np.clip(warp + step[:8], -self.height, self.height)
        # That of the image before the last step, which is next to nothing.
        error = lacks - self._grey @ step[8:]
        residual = float(np.sqrt(self._share @ error**2)) / max(self.contrast, 1.0)
        most = MAX_CLOSURE * self.height
        return np.clip(warp[2:4], -most, most), residual


def _edge(x: np.ndarray, corners: np.ndarray, lid: np.ndarray) -> np.ndarray:
    """Return the y of a lid's edge at every pixel's x, float64 [H, W]."""
    points = np.concatenate([corners, lid])
    points = points[np.argsort(points[:, 0])]
    return np.interp(x, points[:, 0], points[:, 1])
