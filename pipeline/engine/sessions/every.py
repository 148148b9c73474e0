"""Every motion of a build's recordings as a take of its own.

A recording is spotted, and each of its motions becomes a recording: the span of the file around it,
with the take ``<take>-m01``, ``<take>-m02`` and so on. From there on a build handles them as rows
of a table with ``start`` and ``stop``. A recording without a motion is dropped as ``no_motion``; one
with boundaries from a table is a take already, and stays as it is.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.progress import Progress
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.sessions.run import spot_all
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.spotting.sessions.session import Session
from fmdata.pipeline.work.job import key_of
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.known.sessions import KnownSessions

_DIGITS = 2  # of the number of a motion, at least


def every_motion(
    found: Found, dataset: Path, work: Path, settings: BuildSettings, how: RunSettings,
    known: KnownFiles, progress: Progress,
) -> Found:  # fmt: skip
    """Replace each recording by one for each of its motions.

    Parameters
    ----------
    found : Found
        The recordings of a build.
    dataset, work : Path
        Folders of the dataset, and of its unfinished work.
    settings, how : BuildSettings, RunSettings
        Settings of the build.
    known : KnownFiles
        Files that need not be read again.
    progress : Progress
        Receives a step for each recording.
    """
    sessions = KnownSessions(dataset)
    takes = [one for one in found.recordings if one.given and one.given.times]
    whole = [one for one in found.recordings if not (one.given and one.given.times)]
    spotted = spot_all(whole, settings.for_sessions(), work, how, progress, known, sessions)
    sessions.save()
    taken = {key_of(recording) for recording in found.recordings}
    recordings, refused = takes, list[Refused]()
    for job, result in spotted:
        if isinstance(result, Dropped):
            refused.append(_refused(job.recording, result))
        elif not result.motions:
            detail = f"no motion in {result.n_frames} frames"
            refused.append(Refused(job.recording, "no_motion", detail, stage="spot"))
        else:
            for one in _takes(job.recording, result):
                if key_of(one) in taken:
                    refused.append(Refused(one, "same_name", "another take has this name"))
                else:
                    recordings.append(one)
    n_motions = sum(len(one.motions) for _, one in spotted if not isinstance(one, Dropped))
    note = f"{n_motions} motions in {len(spotted)} recordings, each a take"
    return replace(
        found,
        recordings=sorted(recordings, key=lambda r: (r.subject, r.action, r.take)),
        refused=[*found.refused, *refused],
        notes=[*found.notes, note],
    )


def _takes(recording: Recording, session: Session) -> Iterator[Recording]:
    digits = max(_DIGITS, len(str(len(session.motions))))
    for number, motion in enumerate(session.motions, 1):
        # In microseconds, as a table gives them.
        start_s, stop_s = round(motion.start_s, 6), round(motion.stop_s, 6)
        take = f"{recording.take}-m{number:0{digits}d}"
        yield replace(recording, take=take, start_s=start_s, stop_s=stop_s)


def _refused(recording: Recording, dropped: Dropped) -> Refused:
    error = RecordingError(dropped.stage, dropped.reason, dropped.detail)
    return Refused(recording, error.reason, error.detail, stage=error.stage)
