"""Draws the frames of a session: one actor for each of its expressions, one camera for all."""

from collections.abc import Iterator

import numpy as np

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.camera import draw_camera
from fmdata.synth.simulator.cast import expression_of
from fmdata.synth.simulator.face.actor import Actor
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.face.portrait import Portrait
from fmdata.synth.simulator.session.script import ACTION, TAKE, Session
from fmdata.synth.simulator.settings import SimulateSettings


def draw_session(
    session: Session, portrait: Portrait, settings: SimulateSettings
) -> Iterator[np.ndarray]:
    """Draw the frames of a session in order, uint8 [size, size, 3] RGB."""
    key = settings.seed, session.subject, ACTION, TAKE
    camera = draw_camera(
        np.random.default_rng(draw_seed("camera", *key)), session.n_frames, settings.fps,
        head=settings.head, size=settings.size, blur=settings.blur, noise=settings.noise,
    ).nodding(session.nod, settings.size)  # fmt: skip
    sensor = np.random.default_rng(draw_seed("sensor", *key))
    expressions = session.expressions()

    def named(name: str) -> Expression:
        if not name:
            return Expression()
        return expression_of(settings.seed, session.subject, name)

    actors = {pair: Actor(portrait, *map(named, pair)) for pair in sorted(set(expressions))}
    for t, pair in enumerate(expressions):
        frame = actors[pair].frame(t, session.moment(t), camera, settings.size)
        yield camera.expose(frame, t, sensor)
