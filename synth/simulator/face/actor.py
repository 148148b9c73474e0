"""Draws one subject doing one action; displacement fields are computed once per recording."""

import cv2
import numpy as np

from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.expressions import SQUEEZE, Expression
from fmdata.synth.simulator.face.gaze import Gaze
from fmdata.synth.simulator.face.portrait import Portrait
from fmdata.synth.simulator.face.rig import (
    LEFT_LID,
    RIGHT_LID,
    closing,
    depth_field,
    jaw,
    push_field,
)
from fmdata.synth.simulator.timing.moment import Moment

_ITERATIONS = 12  # of the fixed-point search for a displaced point
_LID_IOD = 0.1  # path of an upper lid that closes; it follows a gaze that goes down
_STILL = Expression()


class PortraitActor:
    """Draws a portrait with any intensity of one expression, or of two.

    Parameters
    ----------
    portrait : Portrait
        The face at rest.
    expression : Expression
        Its motion at intensity 1.
    second : Expression, optional
        A second motion at intensity 1.
    """

    def __init__(
        self, portrait: Portrait, expression: Expression, second: Expression = _STILL
    ) -> None:
        picture, landmarks = portrait.picture, portrait.landmarks
        side = picture.shape[0]
        self._picture = picture
        self._landmarks = landmarks[:, :2].astype(np.float64)
        self._expressions = (expression, second)
        motions = (expression, second, SQUEEZE)
        self._skins = [push_field(landmarks, motion.pushes, side, side) for motion in motions]
        self._depth = depth_field(landmarks, side, side)
        self._gaze = Gaze(picture, landmarks)
        self._lids = [closing(picture, landmarks, lid) for lid in (LEFT_LID, RIGHT_LID)]
        self._jaw = jaw(picture, landmarks)

    def draw(
        self, moment: Moment, yaw: float = 0.0, pitch: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture with eyes, lids and jaw moved, and the displacement of the skin.

        Parameters
        ----------
        moment : Moment
            State of the face.
        yaw, pitch : float
            Small rotations of the head, in radians.

        Returns
        -------
        uint8 [S, S, 3], float32 [S, S, 2]
            Displacements are x and y in pixels, read at the displaced position.
        """
        picture, lids = self._picture, self._lids
        if any(moment.gaze):
            picture = picture.copy()
            self._gaze.look(picture, moment.gaze)
            lids = [lid.over(picture) for lid in lids]
        slides = [
            *zip(lids, self._closures(moment), strict=True),
            (self._jaw, self._opened(moment)),
        ]
        for sheet, amount in slides:
            if amount > 0:
                picture = picture.copy() if picture is self._picture else picture
                sheet.slide(picture, amount)
        field = np.float32(moment.intensity) * self._skins[0]
        for amount, skin in zip((moment.other, moment.squeeze), self._skins[1:], strict=True):
            if amount:
                field += np.float32(amount) * skin
        field[..., 0] += np.float32(np.sin(yaw)) * self._depth
        field[..., 1] += np.float32(np.sin(pitch)) * self._depth
        return picture, field

    def _closures(self, moment: Moment) -> list[float]:
        """Return the closure of the left and of the right lid, 0 to 1."""
        one, other = self._expressions
        least = max(moment.blink, moment.gaze[1] / _LID_IOD)
        return [
            min(1.0, max(least, moment.intensity * a + moment.other * b))
            for a, b in ((one.left_lid, other.left_lid), (one.right_lid, other.right_lid))
        ]

    def _opened(self, moment: Moment) -> float:
        """Return the opening of the jaw, 0 to 1."""
        one, other = self._expressions
        return moment.intensity * one.jaw + moment.other * other.jaw

    def units(self, moment: Moment) -> None:
        """Return None: what ARKit's units of a warped portrait would be is not known."""

    def frame(self, t: int, moment: Moment, camera: Camera, size: int) -> np.ndarray:
        """Return frame `t` before the sensor, uint8 [size, size, 3].

        Skin motion, head motion and crop are one resampling, so the picture is blurred only once.
        """
        picture, field = self.draw(moment, camera.yaw[t], camera.pitch[t])
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
        self, points: np.ndarray, t: int, moment: Moment, camera: Camera, size: int
    ) -> np.ndarray:
        """Return the true positions of skin points in frame `t`, float64 [N, 2], pixels.

        Parameters
        ----------
        points : int [N]
            Indices of landmarks. Points on the lids or the jaw are invalid, because only the
            displacement fields are followed.
        t, moment, camera, size
            As for :meth:`frame`.
        """
        rest = self._landmarks[points]
        amounts = (moment.intensity, moment.other, moment.squeeze)
        turn = np.sin([camera.yaw[t], camera.pitch[t]])
        at = rest
        # Fields are read at the displaced position. They never fold, so the iteration converges.
        for _ in range(_ITERATIONS):
            x, y = (at[:, k : k + 1].astype(np.float32) for k in (0, 1))
            skins = (cv2.remap(skin, x, y, cv2.INTER_LINEAR)[:, 0] for skin in self._skins)
            depth = cv2.remap(self._depth, x, y, cv2.INTER_LINEAR)
            moved = (amount * skin for amount, skin in zip(amounts, skins, strict=True))
            at = rest + sum(moved) + turn * depth
        place = camera.placement(t, self._picture.shape[0], size)
        return np.asarray(at @ place[:, :2].T + place[:, 2])
