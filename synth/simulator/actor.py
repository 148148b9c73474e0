"""Draws one subject doing one action; displacement fields are computed once per recording."""

import cv2
import numpy as np

from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.expressions import Expression
from fmdata.synth.simulator.portrait import Portrait
from fmdata.synth.simulator.rig import LEFT_LID, RIGHT_LID, closing, depth_field, jaw, push_field

_ITERATIONS = 12  # of the fixed-point search for a displaced point


class Actor:
    """Draws a portrait with any intensity of one expression.

    Parameters
    ----------
    portrait : Portrait
        The face at rest.
    expression : Expression
        Its motion at intensity 1.
    """

    def __init__(self, portrait: Portrait, expression: Expression) -> None:
        picture, landmarks = portrait.picture, portrait.landmarks
        side = picture.shape[0]
        self._picture = picture
        self._landmarks = landmarks[:, :2].astype(np.float64)
        self._expression = expression
        self._skin = push_field(landmarks, expression.pushes, side, side)
        self._depth = depth_field(landmarks, side, side)
        self._lids = (
            (closing(picture, landmarks, LEFT_LID), expression.left_lid),
            (closing(picture, landmarks, RIGHT_LID), expression.right_lid),
        )
        self._jaw = jaw(picture, landmarks)

    def draw(
        self, intensity: float, blink: float, yaw: float = 0.0, pitch: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture with lids and jaw moved, and the displacement field of the skin.

        Parameters
        ----------
        intensity : float
            Intensity of the expression; 0 is neutral.
        blink : float
            Minimum closure of both lids, 0 to 1.
        yaw, pitch : float
            Small rotations of the head, in radians.

        Returns
        -------
        uint8 [S, S, 3], float32 [S, S, 2]
            Displacements are x and y in pixels, read at the displaced position.
        """
        picture = self._picture
        slides = [(sheet, min(1.0, max(blink, intensity * full))) for sheet, full in self._lids]
        slides.append((self._jaw, intensity * self._expression.jaw))
        for sheet, amount in slides:
            if amount > 0:
                picture = picture.copy() if picture is self._picture else picture
                sheet.slide(picture, amount)
        field = np.float32(intensity) * self._skin
        field[..., 0] += np.float32(np.sin(yaw)) * self._depth
        field[..., 1] += np.float32(np.sin(pitch)) * self._depth
        return picture, field

    def frame(
        self, t: int, intensity: float, blink: float, camera: Camera, size: int
    ) -> np.ndarray:
        """Return frame `t` before the sensor, uint8 [size, size, 3].

        Skin motion, head motion and crop are one resampling, so the picture is blurred only once.
        """
        picture, field = self.draw(intensity, blink, camera.yaw[t], camera.pitch[t])
        place = camera.placement(t, picture.shape[0], size)
        field = cv2.warpAffine(field, place, (size, size))
        back = cv2.invertAffineTransform(place).astype(np.float32)
        along = np.arange(size, dtype=np.float32)
        x = back[0, 0] * along + back[0, 2] + (back[0, 1] * along)[:, None] - field[..., 0]
        y = back[1, 0] * along + back[1, 2] + (back[1, 1] * along)[:, None] - field[..., 1]
        return np.asarray(
            cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        )

    def positions(
        self, points: np.ndarray, t: int, intensity: float, camera: Camera, size: int
    ) -> np.ndarray:
        """Return the true positions of skin points in frame `t`, float64 [N, 2], pixels.

        Parameters
        ----------
        points : int [N]
            Indices of landmarks. Points on the lids or the jaw are invalid, because only the
            displacement fields are followed.
        t, intensity, camera, size
            As for :meth:`frame`.
        """
        rest = self._landmarks[points]
        turn = np.sin([camera.yaw[t], camera.pitch[t]])
        at = rest
        # Fields are read at the displaced position. They never fold, so the iteration converges.
        for _ in range(_ITERATIONS):
            x, y = (at[:, k : k + 1].astype(np.float32) for k in (0, 1))
            skin = cv2.remap(self._skin, x, y, cv2.INTER_LINEAR)[:, 0]
            depth = cv2.remap(self._depth, x, y, cv2.INTER_LINEAR)
            at = rest + intensity * skin + turn * depth
        place = camera.placement(t, self._picture.shape[0], size)
        return np.asarray(at @ place[:, :2].T + place[:, 2])
