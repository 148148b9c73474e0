"""Every motion of a build's recordings as a take of its own.

A recording is spotted, and each of its motions becomes a recording: the span of the file around it,
with the take ``<take>-m01``, ``<take>-m02`` and so on. From there on a build handles them as rows
of a table with ``start`` and ``stop``. A recording without a motion is dropped as ``no_motion``;
one with boundaries from a table is a take already, and stays as it is.
"""

from collections.abc import Iterator
from dataclasses import replace

from fmdata.catalog.progress import Progress
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.sessions.run import Spotted, spot_all
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.spotting.sessions.session import Session
from fmdata.pipeline.work.job import Job, key_of
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.known.sessions import KnownSessions
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.site import Units

_DIGITS = 2  # of the number of a motion, at least


def every_motion(
    found: Found, previous: Previous, settings: BuildSettings, how: RunSettings,
    index: KnownFiles, units: Units, progress: Progress,
) -> Found:  # fmt: skip
    """Replace each recording by one for each of its motions, where the settings ask for it.

    Parameters
    ----------
    found : Found
        The recordings of a build.
    previous : Previous
        The last build: a session that cannot be read now has the takes that it had.
    settings, how : BuildSettings, RunSettings
        Settings of the build.
    index, units : KnownFiles, Units
        Files that need not be read again; units of the build.
    """
    if not settings.every_motion:
        return found
    recordings, whole = _divided(found.recordings)
    spotted = _spotted(whole, units, settings, how, index, progress)
    taken = {key_of(recording) for recording in recordings}
    refused: list[Refused] = []
    for job, result in spotted:
        if isinstance(result, Dropped):
            recordings += (known := previous.takes_of(job.recording) if job.is_out_of_reach else [])
            refused += [] if known else [_refused(job.recording, result)]
        elif not result.motions:
            refused.append(_refused(job.recording, result))
        else:
            for one in _takes(job.recording, result):
                if key_of(one) in taken:
                    refused.append(Refused(one, "same_name", "another take has this name"))
                else:
                    recordings.append(one)
    recordings.sort(key=lambda one: one.names[1:])
    refused = sorted([*found.refused, *refused], key=lambda one: one.recording.source)
    notes = [*found.notes, *_notes(spotted, how)]
    return replace(found, recordings=recordings, refused=refused, notes=notes)


def _notes(spotted: list[tuple[Job, Spotted]], how: RunSettings) -> Iterator[str]:
    """Yield what a build says of its sessions."""
    n_motions = sum(len(one.motions) for _, one in spotted if not isinstance(one, Dropped))
    yield f"{n_motions} motions in {len(spotted)} recordings, each a take"
    if how.retry_dropped:
        yield "--retry-dropped retries takes; dropped sessions are tried by any build without it"


def _divided(recordings: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Return the recordings whose boundaries a table gives, and those to spot."""
    takes = [one for one in recordings if one.given and one.given.times]
    return takes, [one for one in recordings if not (one.given and one.given.times)]


def _spotted(
    recordings: list[Recording], units: Units, settings: BuildSettings, how: RunSettings,
    known: KnownFiles, progress: Progress,
) -> list[tuple[Job, Spotted]]:  # fmt: skip
    """Spot the recordings, but for those that an earlier build has spotted."""
    sessions, chosen = KnownSessions(known.dataset), settings.for_sessions()
    spotted = spot_all(recordings, chosen, units, how, progress, known, sessions)
    sessions.save()
    return spotted


def _takes(recording: Recording, session: Session) -> Iterator[Recording]:
    digits = max(_DIGITS, len(str(len(session.motions))))
    for number, motion in enumerate(session.motions, 1):
        # In microseconds, as a table gives them.
        start_s, stop_s = round(motion.start_s, 6), round(motion.stop_s, 6)
        take = f"{recording.take}-m{number:0{digits}d}"
        yield replace(recording, take=take, start_s=start_s, stop_s=stop_s)


def _refused(recording: Recording, result: Spotted) -> Refused:
    """Return the refusal of a session that was dropped, or shows no motion."""
    if isinstance(result, Dropped):
        return Refused(recording, result.reason, result.detail, stage=result.stage)
    return Refused(recording, "no_motion", f"no motion in {result.n_frames} frames", stage="spot")
