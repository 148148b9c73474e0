"""Gaze: the irises of a portrait, drawn where they look.

Each eye becomes two layers seen through its opening: the white of the eye, filled in where the iris
was, and the iris, filled in where a lid covered it. The second layer is shifted as it is, so an
iris keeps its size and its highlight moves with it. A portrait at rest is not changed.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.synth.simulator.face.rig import LEFT_LID, RIGHT_LID, Contour, box_around, curve_at

# Centre of the iris and the four points of its ring.
RIGHT_IRIS, LEFT_IRIS = (468, 469, 470, 471, 472), (473, 474, 475, 476, 477)
EYES = ((LEFT_LID, LEFT_IRIS), (RIGHT_LID, RIGHT_IRIS))
FADE_IOD = 0.01  # path over which the two layers replace the portrait
_LASHES_IOD = 0.008  # below the upper lid's edge; they are no part of the eye


@dataclass(frozen=True)
class Eye:
    """Layers of one eye, inside one box of the picture.

    Attributes
    ----------
    top, left : int
        Position of the box in the picture, in pixels.
    opening, disc : float32 [h, w]
        Opacity of the eye between the lids, and of the iris; 0 to 1.
    white, iris : float32 [h, w, 3]
        The eye without its iris, and the iris.
    """

    top: int
    left: int
    opening: np.ndarray
    disc: np.ndarray
    white: np.ndarray
    iris: np.ndarray

    def look(self, picture: np.ndarray, right: float, down: float, fade: float) -> None:
        """Shift the iris, in pixels, in place, in `picture` uint8 [H, W, 3]."""
        h, w = self.opening.shape
        box = picture[self.top : self.top + h, self.left : self.left + w]
        move = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
        iris = cv2.warpAffine(self.iris, move, (w, h), borderMode=cv2.BORDER_REPLICATE)
        disc = cv2.warpAffine(self.disc, move, (w, h), borderMode=cv2.BORDER_CONSTANT)
        eye = self.white + disc[..., None] * (iris - self.white)
        box[:] = np.rint(box + fade * self.opening[..., None] * (eye - box))


class Gaze:
    """Both eyes of a portrait.

    Parameters
    ----------
    picture : uint8 [S, S, 3]
        The face at rest.
    landmarks : float32 [478, 3]
        Landmarks in pixels of `picture`.
    """

    def __init__(self, picture: np.ndarray, landmarks: np.ndarray) -> None:
        self._unit = float(interocular_distance(landmarks[:, :2]))
        self._eyes = [
            _layers(picture, landmarks, upper, lower, iris, self._unit)
            for (upper, lower, _), iris in EYES
        ]

    def look(self, picture: np.ndarray, gaze: tuple[float, float]) -> None:
        """Shift both irises by `gaze`, in interocular distances, in place, in `picture`."""
        right, down = (self._unit * path for path in gaze)
        fade = min(1.0, float(np.hypot(*gaze)) / FADE_IOD)
        for eye in self._eyes:
            eye.look(picture, right, down, fade)


def _layers(
    picture: np.ndarray,
    landmarks: np.ndarray,
    upper: Contour,
    lower: Contour,
    iris: Contour,
    unit: float,
) -> Eye:
    upper_line, lower_line = landmarks[list(upper), :2], landmarks[list(lower), :2]
    points = np.concatenate([upper_line, lower_line])
    top, left, box, x, y = box_around(picture, points, 0.06 * unit)
    above = y[:, None] - curve_at(x, upper_line) - _LASHES_IOD * unit
    below = curve_at(x, lower_line) - y[:, None]
    between = (x > upper_line[:, 0].min()) & (x < upper_line[:, 0].max())
    opening = np.clip(np.minimum(above, below) + 0.5, 0.0, 1.0) * between
    centre = landmarks[iris[0], :2]
    radius = float(np.linalg.norm(landmarks[list(iris[1:]), :2] - centre, axis=1).mean())
    away = np.hypot(x - centre[0], y[:, None] - centre[1]) - radius
    disc = np.clip(0.5 - away, 0.0, 1.0)
    seen = opening > 0.9
    layers = (
        _filled(box, seen & (away > 0.1 * radius + 1)),
        _filled(box, seen & (away < -0.5)),
    )
    return Eye(top, left, opening.astype(np.float32), disc.astype(np.float32), *layers)


def _filled(box: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill in the unknown pixels of a box, uint8 [h, w, 3], from the known ones; float32."""
    unknown = np.uint8(~known)
    filled = cv2.inpaint(np.ascontiguousarray(box), unknown, 3, cv2.INPAINT_TELEA)
    return filled.astype(np.float32)
