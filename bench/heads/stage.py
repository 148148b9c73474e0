"""People of the cast of heads, posed by hand."""

import time
from collections.abc import Iterator, Mapping

import numpy as np

from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.cast import act
from fmdata.synth.simulator.face.expressions import Expression, Pull
from fmdata.synth.simulator.heads.actor import HeadActor
from fmdata.synth.simulator.heads.cast import HeadCast
from fmdata.synth.simulator.script import write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.moment import Moment

Weights = Mapping[str, float]
_CLEAR = 0.0


class People:
    """Some people of a seed.

    Parameters
    ----------
    n, size, seed : int
        Number of people, side of the pictures, seed of the simulation.

    Attributes
    ----------
    seconds : list of float
        Processor time of each picture that was drawn.
    """

    def __init__(self, n: int, size: int, seed: int) -> None:
        self._settings = SimulateSettings(
            subjects=n, actions=1, takes=1, cast="heads", size=size, seed=seed
        )
        self._size = size
        cast = HeadCast(self._settings)
        self._actors = [
            act(cast, script, self._settings)[0] for script in write_scripts(self._settings)
        ]
        self.seconds: list[float] = []

    def pictures(self, weights: Weights, yaw: float = 0, pitch: float = 0) -> Iterator[np.ndarray]:
        """Draw each person with some units, and the head turned by degrees."""
        for k in range(len(self._actors)):
            yield self.picture(k, weights, yaw, pitch)

    def picture(self, k: int, weights: Weights, yaw: float = 0, pitch: float = 0) -> np.ndarray:
        """Draw one person, uint8 [size, size, 3]."""
        pulls = tuple(Pull(name, weight) for name, weight in weights.items())
        actor: HeadActor = self._actors[k].playing(Expression(pulls=pulls))
        start = time.process_time()
        picture = actor.frame(0, Moment(1.0), _camera(yaw, pitch), self._size)
        self.seconds.append(time.process_time() - start)
        return picture


def _camera(yaw: float, pitch: float) -> Camera:
    zero = np.zeros(1)
    return Camera(
        shift=np.zeros((1, 2)),
        roll=zero,
        yaw=np.radians([yaw]),
        pitch=np.radians([pitch]),
        scale=zero + 1,
        gain=zero + 1,
        blur=_CLEAR,
        noise=_CLEAR,
    )
