"""One recording, from its file to a finished unit: the stages in a row. Ignorant of who runs it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fmdata.catalog.errors import FmdataError, RecordingError
from fmdata.catalog.storage.files import atomic_folder
from fmdata.catalog.types import Recording
from fmdata.pipeline.cropping.align import align
from fmdata.pipeline.cropping.encode import encode
from fmdata.pipeline.engine.heartbeat import Beat
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame, decode, frame_rate, nominal_rate
from fmdata.pipeline.second_pass.redetect import refine
from fmdata.pipeline.second_pass.respot import settled
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.spot import spot
from fmdata.pipeline.work.digest import Identity, file_state
from fmdata.pipeline.work.outcome import Outcome, drop, failed_if_short
from fmdata.pipeline.work.row import action_row
from fmdata.pipeline.work.unit import AVI, LANDMARKS, LBP, outcome_of, write_dropped, write_row

# Where nothing can be written any more, the run ends, and no recording loses its place.
_MACHINE_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def process(
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    work: Path,
    model: Path | None = None,
    beat: Beat | None = None,
) -> Outcome:
    """Make a recording's unit in the folder `work`.

    `model` is the file of the landmark network's weights, where the user named one; `beat` is told
    of each stage and frame, for whoever watches.

    Raises
    ------
    FmdataError
        For a fault that is not the recording's own, such as a missing model.
    OSError
        For a fault of the machine, such as a full disk.
    """
    unit = work / identity.digest
    landmarker = _landmarker(settings.landmarks, model)
    try:
        with atomic_folder(unit) as folder:
            _make(recording, identity, settings, landmarker, folder, beat)
            if fault := _other_than(recording, identity):
                raise fault
    except RecordingError as fault:
        of_file = _other_than(recording, identity)
        write_dropped(unit, drop(recording, of_file or failed_if_short(fault)))
    return outcome_of(unit)


def _other_than(recording: Recording, identity: Identity) -> RecordingError | None:
    """Return the fault of a recording that is no longer what its digest is of.

    It is worth another try: what it was may come back, and what it is has another digest.
    """
    try:
        if not recording.path.is_dir():
            with recording.path.open("rb") as file:
                file.read(1)
        changed = identity.state not in ("", file_state(recording.path))
    except OSError as fault:
        detail = f"it could be read no longer: {fault.strerror}"
        return RecordingError("decode", "failed", detail)
    return RecordingError("decode", "failed", "it changed at work") if changed else None


def _make(
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    landmarker: Landmarker,
    folder: Path,
    beat: Beat | None,
) -> None:
    # Decoded for the track and again for the crops, and where the motion is in doubt for a closer
    # look: each needs what all frames told before, and frames are never held in memory together.
    with _stage("landmarks", beat):
        frames = _told(recording, "landmarks", beat)
        track = follow(frames, landmarker, settings.min_detected, folder / LANDMARKS)
        fps = frame_rate(track.timestamps_s, nominal_rate(recording))
    with _stage("spot", beat):
        spotting = spot(track, fps)
        if spotting.is_doubtful or spotting.is_of_lids:
            frames = _told(recording, "spot", beat)
            with TemporaryDirectory(dir=folder) as work:
                closer = refine(frames, track, fps, landmarker, Path(work))
                if closer is not None:
                    spotting = settled(spotting, closer, fps)
    with _stage("align", beat):
        transforms = align(track, fps, settings.size)
    with _stage("encode", beat):
        encoded = encode(
            _told(recording, "encode", beat),
            transforms,
            fps=fps,
            settings=settings,
            avi=folder / AVI,
            lbp_maps=folder / LBP if settings.lbp else None,
        )
        row = action_row(
            recording,
            identity,
            settings,
            fps=fps,
            track=track,
            spotting=spotting,
            transforms=transforms,
            encoded=encoded,
        )
        write_row(folder, row)


def _told(recording: Recording, stage: str, beat: Beat | None) -> Iterator[Frame]:
    """Decode, and tell who is at work: decoding, or the `stage` that has a frame in hand."""
    if beat is None:
        yield from decode(recording)
        return
    beat.stage("decode")
    for frame in decode(recording, beat.frame):
        beat.stage(stage)
        yield frame
        beat.stage("decode")
    beat.stage(stage)


@contextmanager
def _stage(name: str, beat: Beat | None) -> Iterator[None]:
    """Turn an unforeseen fault inside a stage into a dropped recording that tells it."""
    if beat is not None:
        beat.stage(name)
    try:
        yield
    except (RecordingError, FmdataError):
        raise
    except Exception as fault:
        if isinstance(fault, OSError) and fault.errno in _MACHINE_FAULTS:
            raise
        raise RecordingError(name, "failed", f"{type(fault).__name__}: {fault}") from fault


@lru_cache(maxsize=1)
def _landmarker(name: str, model: Path | None) -> Landmarker:
    # One network a process: opening it costs as much as thirty frames.
    return open_landmarker(name, model)
