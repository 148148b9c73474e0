"""The motions of one session, each with the span of the recording that shows it with rest."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fmdata.catalog.storage.files import write_atomically


@dataclass(frozen=True)
class SessionMotion:
    """A motion of a session, in frames of the recording, and its span.

    Attributes
    ----------
    start, stop : int
        Frames ``[start, stop)`` that show the motion with rest before and after it.
    start_s, stop_s : float
        The same in seconds after the first frame; the stop is that of the next frame.
    onset, apex, offset : int
        As in :class:`fmdata.catalog.types.Motion`, but counted from the recording's first frame.
    style : str
        ``return`` or ``hold``.
    amplitude : float
        In interocular distances.
    snr : float
        Signal-to-noise ratio.
    """

    start: int
    stop: int
    start_s: float
    stop_s: float
    onset: int
    apex: int
    offset: int
    style: str
    amplitude: float
    snr: float


@dataclass(frozen=True)
class Session:
    """All motions of a recording.

    Attributes
    ----------
    fps : float
        Frames per second.
    n_frames : int
        Number of frames.
    motions : tuple of SessionMotion
        In the order of time.
    """

    fps: float
    n_frames: int
    motions: tuple[SessionMotion, ...]


def write_session(path: Path, session: Session) -> None:
    """Write a session as JSON."""
    write_atomically(path, (json.dumps(asdict(session)) + "\n").encode())


def read_session(path: Path) -> Session:
    """Read what :func:`write_session` wrote.

    Raises
    ------
    ValueError, LookupError, TypeError, OSError
        When the file is damaged.
    """
    return session_from_json(json.loads(path.read_text()))


def session_from_json(values: dict[str, Any]) -> Session:
    """Return a session of its JSON."""
    motions = tuple(SessionMotion(**one) for one in values["motions"])
    return Session(float(values["fps"]), int(values["n_frames"]), motions)
