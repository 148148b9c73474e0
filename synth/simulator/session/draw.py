"""Plays a session: one actor for each of its expressions, one camera for all."""

from fmdata.synth.simulator.actor import Actor, Cast
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.roles import expression_of
from fmdata.synth.simulator.session.script import Session
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.moment import Moment


def play_session(
    session: Session, cast: Cast, settings: SimulateSettings
) -> tuple[list[tuple[Actor, Moment]], Camera]:
    """Return the actor and the state of the face in every frame of a session, and its camera."""
    recording, expressions = session.recording, session.expressions()

    def named(name: str) -> Expression:
        return expression_of(settings, session.subject, name) if name else Expression()

    actors = {pair: cast.actor(recording, *map(named, pair)) for pair in sorted(set(expressions))}
    plays = [(actors[pair], session.moment(t)) for t, pair in enumerate(expressions)]
    return plays, cast.camera(recording, settings.head, session.nod)
