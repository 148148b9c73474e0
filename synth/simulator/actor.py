"""The contract of a cast: people whose faces a script moves and a camera films.

A cast is opened once for a simulation. It gives an actor and a camera for each recording; the
actor knows the face, the script knows the moment, the camera knows where the head is. Scripts,
timing, camera, codec and truth are the same for all casts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.script import Truth
from fmdata.synth.simulator.timing.moment import Moment


class Actor(Protocol):
    """One subject doing one action."""

    def frame(self, t: int, moment: Moment, camera: Camera, size: int) -> np.ndarray:
        """Return frame `t` before the sensor, uint8 [size, size, 3] RGB."""

    def positions(
        self, points: np.ndarray, t: int, moment: Moment, camera: Camera, size: int
    ) -> np.ndarray:
        """Return the true positions of skin points in frame `t`, float64 [N, 2], in pixels.

        Parameters
        ----------
        points : int [N]
            Indices of MediaPipe's landmarks, on skin that is bound to no lid and no jaw.
        t, moment, camera, size
            As for :meth:`frame`.
        """

    def units(self, moment: Moment) -> np.ndarray | None:
        """Return the weights of ARKit's 52 units, float64 [52]; None where they are unknown."""


class Cast(Protocol):
    """Subjects of a simulation.

    Attributes
    ----------
    has_units : bool
        Whether the actors know their units.
    """

    has_units: bool

    def check(self) -> None:
        """Raise what would keep a subject from being filmed, before anything is written."""

    def sources(self) -> Sequence[Path]:
        """Return the user's files that the subjects are made from."""

    def actor(self, truth: Truth, first: Expression, second: Expression) -> Actor:
        """Return the subject of a recording, with the expressions that it may show.

        It is quick for the subject, and the day, of the last call.
        """

    def camera(self, truth: Truth, head: str, nod: np.ndarray) -> Camera:
        """Return the camera of a recording.

        Parameters
        ----------
        truth : Truth
            The recording; its names decide all draws.
        head : str
            Size of the head motion, a key of :data:`fmdata.synth.simulator.camera.HEADS`.
        nod : float64 [T, 2]
            Yaw and pitch to add, in radians.
        """
