"""Opens the cast that the settings name, and follows true points through its recordings."""

from collections.abc import Iterator

import numpy as np

from fmdata.synth.simulator.actor import Actor, Cast
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.roles import expressions_of
from fmdata.synth.simulator.script import Script, Truth, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings


def open_cast(settings: SimulateSettings) -> Cast:
    """Open the cast of a simulation.

    Raises
    ------
    UsageError
        When there are fewer portraits than subjects.
    ModelError
        When the extra ``heads`` is needed and missing.
    """
    if settings.cast == "heads":
        from fmdata.synth.simulator.heads.assets import require_extra

        require_extra()
        from fmdata.synth.simulator.heads.cast import HeadCast

        return HeadCast(settings)
    from fmdata.synth.simulator.face.cast import PortraitCast

    return PortraitCast(settings)


def act(cast: Cast, script: Script, settings: SimulateSettings) -> tuple[Actor, Camera]:
    """Return the actor and the camera of a recording."""
    actor = cast.actor(script.truth, *expressions_of(script, settings))
    return actor, cast.camera(script.truth, script.head, script.beside.nod)


def skin_positions(
    settings: SimulateSettings, points: np.ndarray
) -> Iterator[tuple[Truth, np.ndarray]]:
    """Yield the true positions of skin points in every frame of every recording.

    Parameters
    ----------
    settings : SimulateSettings
        Settings of the recordings.
    points : int [N]
        Landmarks, as in :meth:`fmdata.synth.simulator.actor.Actor.positions`.

    Yields
    ------
    Truth, float64 [T, N, 2]
        The recording, and positions in pixels of the video.
    """
    cast = open_cast(settings)
    for script in write_scripts(settings):
        actor, camera = act(cast, script, settings)
        positions = [
            actor.positions(points, t, script.moment(t), camera, settings.size)
            for t in range(script.truth.n_frames)
        ]
        yield script.truth, np.stack(positions)
