"""Plays one person doing one action in three dimensions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.heads.model import Model
from fmdata.synth.simulator.heads.render.arrays import POINT
from fmdata.synth.simulator.heads.render.picture import Stage, View, draw
from fmdata.synth.simulator.heads.units import creases, weights_of
from fmdata.synth.simulator.timing.moment import Moment


class Surfaces(NamedTuple):
    """Places of MediaPipe's landmarks on the mesh.

    Attributes
    ----------
    corners : int64 [478, 3]
        Vertices of the triangle that each landmark lies on.
    shares : float64 [478, 3]
        Its shares of them.
    """

    corners: np.ndarray
    shares: np.ndarray


class HeadActor:
    """Draws a model with any intensity of one expression, or of two.

    Parameters
    ----------
    model : Model
        The person.
    stage : Stage
        Light and background.
    distance : float
        From the camera to the eyes, in decimetres.
    expression, second : Expression
        Motions at intensity 1.
    landmarks : callable
        Returns the places of the landmarks; called where positions are asked for.
    """

    def __init__(
        self,
        model: Model,
        stage: Stage,
        distance: float,
        expression: Expression,
        second: Expression,
        landmarks: Callable[[], Surfaces],
    ) -> None:
        self._model, self._stage, self._landmarks = model, stage, landmarks
        self._distance = distance
        self._expressions = expression, second

    def playing(self, expression: Expression) -> "HeadActor":
        """Return the same person in the same place with another expression, and no second one."""
        model, stage, distance = self._model, self._stage, self._distance
        return HeadActor(model, stage, distance, expression, Expression(), self._landmarks)

    def frame(self, t: int, moment: Moment, camera: Camera, size: int) -> np.ndarray:
        """Return frame `t` before the sensor, uint8 [size, size, 3]."""
        weights = self.units(moment)
        return draw(
            self._model.surface,
            self._vertices(t, weights, camera),
            self._model.textures,
            creases(weights),
            self._stage,
            self._view(t, camera, size),
        )

    def positions(
        self, points: np.ndarray, t: int, moment: Moment, camera: Camera, size: int
    ) -> np.ndarray:
        """Return the true positions of skin points in frame `t`, float64 [N, 2], pixels."""
        vertices = self._vertices(t, self.units(moment), camera)[:, POINT : POINT + 3]
        places = self._landmarks()
        corners = vertices[places.corners[points]].astype(np.float64)
        found = (places.shares[points, :, None] * corners).sum(axis=1)
        return self._view(t, camera, size).project(found)[:, :2]

    def units(self, moment: Moment) -> np.ndarray:
        """Return the weights of ARKit's 52 units, float64 [52]."""
        return weights_of(*self._expressions, moment)

    def _vertices(self, t: int, weights: np.ndarray, camera: Camera) -> np.ndarray:
        turn = (float(angle[t]) for angle in (camera.yaw, camera.pitch, camera.roll))
        return self._model.vertices(weights, *turn)

    def _view(self, t: int, camera: Camera, size: int) -> View:
        right, down = map(float, camera.shift[t])
        return View(size, float(camera.scale[t]), (right, down), self._distance)
