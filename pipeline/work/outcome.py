"""The outcome of one recording: a finished clip, or a dropped recording with its reason."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.privacy.pseudonyms import redact
from fmdata.catalog.storage.card import ACTIONS
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.work import UNREADABLE, Unit
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.spotting.sessions.session import read_session
from fmdata.pipeline.work.given import Stored

# Reasons that lie with the machine or a library, not with the recording. One that has timed out
# would cost all that time again, so it waits for --retry-dropped.
RETRIED = ("failed", "crashed")
REJECTED = "rejected"  # by a person: neither retried nor processed while a review says so
_NOTHING = Stored()
# The machine had no file handle or memory left, whatever was being read.
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one recording's work.

    Attributes
    ----------
    digest : str
        Name of its unit.
    n_frames : int
        Frames of the clip, or of the session; 0 for a dropped recording.
    dropped : Dropped or None
        The reason for dropping it, if it was dropped.
    pose_range : float
        Of the clip, in degrees; 0 for a dropped recording.
    """

    digest: str
    n_frames: int
    dropped: Dropped | None = None
    pose_range: float = 0.0


@dataclass(frozen=True)
class ReadyClip:
    """A clip that only needs to be put into a shard.

    Attributes
    ----------
    n_bytes : int
        Size of its pixels and LBP maps.
    n_frames : int
        Number of frames.
    pose_range : float
        In degrees.
    load : callable
        Returns the sample.
    is_packed : bool
        Whether an intact shard of the dataset holds it already.
    is_reviewed : bool
        Whether its row was changed by a review.
    half : str
        The part of the dataset in which a shard holds it: ``actions``, or ``left_out``.
    stored : Stored
        What its row holds of a table.
    """

    n_bytes: int
    n_frames: int
    pose_range: float
    load: Callable[[], Sample]
    is_packed: bool = False
    is_reviewed: bool = False
    half: str = ACTIONS
    stored: Stored = _NOTHING


Finished: TypeAlias = ReadyClip | Dropped


def read_outcome(unit: Unit) -> Outcome:
    """Read the outcome of a finished unit."""
    if dropped := unit.read_dropped():
        return Outcome(unit.digest, 0, dropped)
    if unit.session.exists():
        return Outcome(unit.digest, read_session(unit.session).n_frames)
    row = unit.read_row().select(["digest", "n_frames", "pose_range"]).to_pylist()[0]
    return Outcome(row["digest"], row["n_frames"], pose_range=row["pose_range"])


def done_before(unit: Unit, retry: bool = False) -> Outcome | None:
    """Return the outcome of a unit of an earlier run, or None where the work is to be done again.

    That is so for a unit that does not exist, is damaged or was left by another version, and for a
    recording dropped for one of the reasons in :data:`RETRIED`, or as ``too_large``, since limit
    and room may be others by then; with `retry`, for any reason.
    """
    try:
        outcome = read_outcome(unit)
        if outcome.digest != unit.digest or (outcome.dropped is None and not unit.is_whole()):
            return None
    except UNREADABLE:
        return None
    again = outcome.dropped and (retry or outcome.dropped.reason in (*RETRIED, "too_large"))
    return None if again else outcome


def finished(outcome: Outcome, unit: Unit, attempts: int) -> Finished:
    """Return the clip or the dropped recording of an outcome.

    `attempts` counts those of earlier builds, to which the outcome adds its own.
    """
    if outcome.dropped:
        return replace(outcome.dropped, attempts=outcome.dropped.attempts + attempts)
    return ReadyClip(unit.n_bytes, outcome.n_frames, outcome.pose_range, unit.sample)


def drop(recording: Recording, error: RecordingError, attempts: int = 1) -> Dropped:
    """Return the record of a recording that is dropped because of `error`."""
    detail = error.detail
    for name in recording.hidden:
        detail = redact(name, detail)
    dropped = Dropped(*recording.names, error.stage, error.reason, detail, attempts)
    return replace(dropped, start=recording.start_s, stop=recording.stop_s)


def failed_if_short(error: RecordingError) -> RecordingError:
    """Return an error with the reason ``failed`` if the machine had run out of memory or handles.

    Any other error is returned as it is.
    """
    cause = error.__cause__
    if (
        not isinstance(cause, MemoryError)
        and getattr(cause, "errno", None) not in _OUT_OF_RESOURCES
    ):
        return error
    failed = RecordingError(error.stage, "failed", error.detail)
    failed.__cause__ = cause
    return failed
