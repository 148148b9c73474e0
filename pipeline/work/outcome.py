"""The outcome of one recording: a unit of work, or a dropped recording."""

import errno
from dataclasses import dataclass

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.privacy.pseudonyms import without
from fmdata.catalog.types import Dropped, Recording

# Reasons that lie with the machine or a library rather than with the recording. One that has timed
# out would cost all that time again, so it waits for --retry-dropped.
TRIED_AGAIN = ("failed", "crashed")
# The machine had no file handle or memory left, whatever was being read.
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Attributes
    ----------
    digest : str
        Name of its unit.
    n_frames : int
        Frames that went through; 0 for a dropped recording.
    dropped : Dropped or None
        Why it was left out, if it was.
    pose_range : float
        Of the clip, in degrees; 0 for a dropped recording.
    """

    digest: str
    n_frames: int
    dropped: Dropped | None = None
    pose_range: float = 0.0


def drop(recording: Recording, fault: RecordingError, attempts: int = 1) -> Dropped:
    """Return the record of a recording that is left out because of `fault`."""
    detail = fault.detail
    for name in recording.hidden:
        detail = without(name, detail)
    return Dropped(*recording.names, fault.stage, fault.reason, detail, attempts)


def failed_if_short(fault: RecordingError) -> RecordingError:
    """Return a fault as ``failed``, when it came of the machine's being short of something."""
    cause = fault.__cause__
    short = isinstance(cause, MemoryError) or getattr(cause, "errno", None) in _SHORT
    if not short:
        return fault
    told = RecordingError(fault.stage, "failed", fault.detail)
    told.__cause__ = cause
    return told
