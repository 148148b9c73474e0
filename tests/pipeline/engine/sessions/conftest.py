"""A session of 40 seconds with a motion of each of four actions, and talk and turns between."""

from pathlib import Path

import pytest

from fmdata.pipeline.reading.decode import decode
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from tests.conftest import MadeOnce
from tests.helpers.encoded import recording, write_video

SETTINGS = SimulateSettings(subjects=1, actions=4, takes=1, size=224, seed=2, session_s=40)


@pytest.fixture(scope="session")
def sessions(made_once: MadeOnce) -> Path:
    """Return a raw folder: the session, a second of its face at rest, and a file of text."""

    def make(raw: Path) -> None:
        simulate(raw, SETTINGS)
        session = raw / "s01/session/01.mp4"
        frames = decode(recording(session))
        still = [next(frames).rgb] * 25
        frames.close()
        write_video(raw / "s01/session/02.mp4", still)
        (raw / "s01/session/03.mp4").write_text("no video")

    return made_once("sessions", make)
