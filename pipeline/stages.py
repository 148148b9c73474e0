"""All stages of one recording, in order, from its file to a finished unit.

Decode, landmarks, spot (with a second pass where in doubt), align, encode. Nothing here knows who
runs the stages: the engine calls :func:`process`, and so may anybody else.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from pathlib import Path

from fmdata.catalog.errors import FmdataError, RecordingError
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline.cropping.align import align, corners_of
from fmdata.pipeline.cropping.encode import encode
from fmdata.pipeline.cropping.sound import write_sound
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.film import Film, Watch
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.landmarks.upright import needed_turn, turned
from fmdata.pipeline.reading.cuts import within_one_shot
from fmdata.pipeline.reading.decode import decode, frame_rate, nominal_rate, picked
from fmdata.pipeline.reading.length import listed_frames, too_long, within_length
from fmdata.pipeline.second_pass.respot import respot
from fmdata.pipeline.settings import BuildSettings, JobSettings, SpotSettings
from fmdata.pipeline.spotting.sessions.session import write_session
from fmdata.pipeline.spotting.sessions.sheet import draw_sheet, frames_of
from fmdata.pipeline.spotting.sessions.windows import spot_session
from fmdata.pipeline.spotting.spot import spot
from fmdata.pipeline.work.digest import Identity, file_state
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.limits.room import alone_in, require_copy, require_room
from fmdata.pipeline.work.outcome import Outcome, drop, failed_if_short, read_outcome
from fmdata.pipeline.work.row import action_rows

# Disk errors abort the run; they do not drop a recording.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Unwatched:
    """A :class:`Watch` that ignores every report."""

    def beat(self, stage: str, new_frames: int = 0) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()


def process(
    job: Job,
    settings: JobSettings,
    work: Path,
    model: Path | None = None,
    watch: Watch = UNWATCHED,
    *,
    alone: bool = False,
) -> Outcome:
    """Make a recording's unit in the folder `work`: a clip's, or with SpotSettings a session's.

    Parameters
    ----------
    job : Job
        The recording and its identity.
    model : Path, optional
        File or folder of the landmark network's weights.
    watch : Watch
        Receives the progress of the stages.
    alone : bool
        Whether no other recording is at work: one that then fills the disk may be too large for it.

    Raises
    ------
    FmdataError, OSError
        For missing model weights, and a full disk, an exceeded quota or a read-only disk.
    """
    assert isinstance(job.identity, Identity)
    recording, unit = job.recording, Unit(work / job.digest)
    landmarker = _landmarker(settings.landmarks, model, settings.device)
    try:
        with unit.filling() as filling:
            with alone_in(work, filling.path) if alone else nullcontext():
                _fill(job, settings, landmarker, filling, watch)
            if changed := _changed_since(recording, job.identity):
                raise changed
    except RecordingError as error:
        reason = _changed_since(recording, job.identity) or failed_if_short(error)
        unit.write_dropped(drop(recording, reason))
    return read_outcome(unit)


def _fill(
    job: Job, settings: JobSettings, landmarker: Landmarker, unit: Unit, watch: Watch
) -> None:
    if isinstance(settings, SpotSettings):
        _spot_session(job, settings, landmarker, unit, watch)
    else:
        _make(job, settings, landmarker, unit, watch)


def _make(
    job: Job, settings: BuildSettings, landmarker: Landmarker, unit: Unit, watch: Watch
) -> None:
    # Each stage needs the results of all frames from the stage before. Where the frames are too
    # large for memory, they are decoded again for a second pass and for the crops.
    recording, limit = job.recording, settings.max_frames
    film = _film(recording, limit, watch)
    assert isinstance(job.identity, Identity)
    with _stage("landmarks", watch):
        if (listed := listed_frames(recording)) > limit:
            raise too_long(limit)
        require_room(listed, settings, unit.path.parent)
        film.turn = needed_turn(film.frames("landmarks"), landmarker)
        frames = within_one_shot(film.frames("landmarks"))
        whom = recording.person or settings.person
        track = follow(frames, landmarker, settings.min_detected, unit.landmarks, whom, film.see)
        fps = frame_rate(track.timestamps_s, nominal_rate(recording))
    with _stage("spot", watch):
        first = spot(track, fps)
        again = partial(film.frames, "spot")
        spotting = respot(again, track, fps, landmarker, first, unit.path)
    with _stage("align", watch):
        transforms = align(track, fps, settings.side, settings.crop, settings.scale)
    with _stage("encode", watch):
        change = encode(
            film.cropped("encode", corners_of(transforms, settings.side)), transforms, fps=fps,
            size=settings.side, jpeg_quality=settings.jpeg_quality, avi=unit.avi,
            lbp_maps=unit.lbp if settings.lbp else None,
        )  # fmt: skip
        heard = (recording, track.timestamps_s, fps, unit.wav)
        rows = action_rows(
            recording, job.identity, settings, fps=fps, track=track, spotting=spotting,
            transforms=transforms, change=change,
            sound_s=write_sound(*heard) if settings.audio else None,
        )  # fmt: skip
        unit.write_facts(rows.clip, rows.frames)
        require_copy(unit.path)


def _spot_session(
    job: Job, settings: SpotSettings, landmarker: Landmarker, unit: Unit, watch: Watch
) -> None:
    # The person may leave the picture for minutes, and the shots may change: motions are spotted
    # in windows, and each becomes a clip of its own, which is checked.
    film = _film(job.recording, settings.max_frames, watch)
    with _stage("landmarks", watch):
        if listed_frames(job.recording) > settings.max_frames:
            raise too_long(settings.max_frames)
        film.turn = needed_turn(film.frames("landmarks"), landmarker)
        frames, whom = film.frames("landmarks"), job.recording.person or settings.person
        track = follow(frames, landmarker, 0.0, unit.landmarks, whom)
        fps = frame_rate(track.timestamps_s, nominal_rate(job.recording))
    with _stage("spot", watch):
        session = spot_session(track, fps)
        write_session(unit.session, session)
        if settings.sheets:
            chosen = picked(job.recording, frames_of(session))
            draw_sheet(unit.sheet, job.recording.source, session, turned(chosen, film.turn), track)
        unit.landmarks.unlink()


def _film(recording: Recording, limit: int, watch: Watch) -> Film:
    beat = partial(watch.beat, "decode", 1)
    return Film(lambda: within_length(decode(recording, beat), limit), watch)


def _changed_since(recording: Recording, identity: Identity) -> RecordingError | None:
    """Return an error if a recording is missing, or is another than its digest stands for.

    Its reason is ``failed``, so that the next build retries it: the recording may come back, and a
    changed one has another digest.
    """
    try:
        if not recording.path.is_dir():
            with recording.path.open("rb") as file:
                file.read(1)
        changed = identity.state not in ("", file_state(recording.path))
    except OSError as error:
        detail = f"it became unreadable during the build: {error.strerror}"
        return RecordingError("decode", "failed", detail)
    return RecordingError("decode", "failed", "it changed during the build") if changed else None


@contextmanager
def _stage(name: str, watch: Watch) -> Iterator[None]:
    """Turn an unforeseen exception inside a stage into a dropped recording that names it."""
    watch.beat(name)
    try:
        yield
    except FmdataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            raise
        raise RecordingError(name, "failed", f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=1)
def _landmarker(name: str, model: Path | None, device: str) -> Landmarker:
    # One network per process: loading it takes as long as thirty frames.
    return open_landmarker(name, model, device)
