"""One recording, from its file to a finished unit of work. Knows nothing of who runs it.

A unit is a folder named by the recording's digest that holds ``row.parquet``, ``clip.avi`` and,
if asked for, ``lbp.npy``; or, for a recording that is left out, ``dropped.parquet`` alone. It gets
its name when it is whole, so a unit that is there is a unit that is done.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from fmdata.catalog.errors import FmdataError, RecordingError
from fmdata.catalog.files import atomic_folder
from fmdata.catalog.schema import DROPPED, one_row
from fmdata.catalog.shards import Sample
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.align import align
from fmdata.pipeline.decode import decode, frame_rate, nominal_rate
from fmdata.pipeline.encode import encode
from fmdata.pipeline.facts import action_row
from fmdata.pipeline.identify import Identity
from fmdata.pipeline.landmarks import Landmarker, open_landmarker
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spot import spot
from fmdata.pipeline.track import follow

ROW, AVI, LBP, LEFT_OUT = "row.parquet", "clip.avi", "lbp.npy", "dropped.parquet"
# Reasons that lie with the machine or a library rather than with the recording.
TRIED_AGAIN = ("failed", "crashed")
# A fault of the machine, not of the recording: it ends the run and costs no recording its place.
_MACHINE_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENOMEM)


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
    """

    digest: str
    n_frames: int
    dropped: Dropped | None = None


def process(
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    work: Path,
    model: Path | None = None,
) -> Outcome:
    """Make a recording's unit in the folder `work`.

    `model` is the file of the landmark network's weights, where the user named one.

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
            _make(recording, identity, settings, landmarker, folder)
    except RecordingError as fault:
        dropped = drop(recording, fault)
        with atomic_folder(unit) as folder:
            row = one_row(DROPPED, asdict(dropped) | {"digest": identity.digest})
            pq.write_table(row, folder / LEFT_OUT)
    return _outcome(unit)


def done_before(identity: Identity, work: Path) -> Outcome | None:
    """What became of a recording in an earlier run, unless it is worth another try."""
    unit = work / identity.digest
    outcome = _outcome(unit) if unit.exists() else None
    again = outcome and outcome.dropped and outcome.dropped.reason in TRIED_AGAIN
    return None if again else outcome


def drop(recording: Recording, fault: RecordingError, attempts: int = 1) -> Dropped:
    """Return the record of a recording that is left out because of `fault`."""
    names = (recording.source, recording.subject, recording.action, recording.take)
    return Dropped(*names, fault.stage, fault.reason, fault.detail, attempts)


def _outcome(unit: Path) -> Outcome:
    if (unit / LEFT_OUT).exists():
        values = pq.read_table(unit / LEFT_OUT).to_pylist()[0]
        digest = values.pop("digest")
        return Outcome(digest, 0, Dropped(**values))
    row = pq.read_table(unit / ROW, columns=["digest", "n_frames"]).to_pylist()[0]
    return Outcome(row["digest"], row["n_frames"])


def sample_of(unit: Path) -> Sample:
    """Return a finished unit's clip, ready for a shard."""
    maps = unit / LBP
    return Sample(pq.read_table(unit / ROW), unit / AVI, maps if maps.exists() else None)


def unit_bytes(unit: Path) -> int:
    """Return the size of a finished unit's pixels and maps in bytes."""
    return sum((unit / name).stat().st_size for name in (AVI, LBP) if (unit / name).exists())


def _make(
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    landmarker: Landmarker,
    folder: Path,
) -> None:
    # Decoded twice, first for the track and then for the crops: alignment needs every frame's
    # landmarks, and a recording's frames are never held in memory together.
    with _stage("landmarks"):
        track = follow(decode(recording), landmarker, settings.min_detected)
        fps = frame_rate(track.timestamps_s, nominal_rate(recording))
    with _stage("spot"):
        spotting = spot(track, fps)
    with _stage("align"):
        transforms = align(track, fps, settings.size)
    with _stage("encode"):
        encoded = encode(
            decode(recording),
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
        pq.write_table(row, folder / ROW)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """Turn an unforeseen fault inside a stage into a dropped recording that tells it."""
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
