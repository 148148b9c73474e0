"""Spots every motion of recordings, each in a worker process; finished work is not done again."""

from collections.abc import Sequence

from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.types import Dropped, Recording
from fmdata.pipeline.engine.run import digest_all, run
from fmdata.pipeline.landmarks.backends import prepare
from fmdata.pipeline.settings import RunSettings, SpotSettings
from fmdata.pipeline.spotting.sessions.session import Session, read_session
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.known.sessions import KnownSessions
from fmdata.pipeline.work.outcome import done_before, drop
from fmdata.pipeline.work.site import Units

Spotted = Session | Dropped


def spot_all(
    recordings: Sequence[Recording],
    settings: SpotSettings,
    units: Units,
    how: RunSettings,
    progress: Progress = SILENT,
    known: KnownFiles | None = None,
    sessions: KnownSessions | None = None,
) -> list[tuple[Job, Spotted]]:
    """Spot the motions of recordings.

    Parameters
    ----------
    units : Units
        The units; one that is there is not made again.
    known, sessions : optional
        Files that need not be read, and sessions that need not be spotted, again.

    Returns
    -------
    list of (Job, Session or Dropped)
        In the order of `recordings`.
    """
    jobs = digest_all(recordings, settings, progress, known, units.source, job="spot")
    results: dict[str, Spotted] = {}
    if sessions:
        results.update(sessions.among(job.digest for job in jobs))
    units.recall(job.digest for job in jobs if job.digest and job.digest not in results)
    todo = [
        job for digest, job in {job.digest: job for job in jobs if job.digest}.items()
        if digest not in results and not done_before(units.unit(digest))
    ]  # fmt: skip
    progress.start("spot", len(jobs), "recordings", len(jobs) - len(todo))
    if todo and how.scheduler is None:
        prepare(settings.landmarks, how.model, settings.device)
    run(todo, settings, units, how, progress)
    spotted = [(job, results.get(job.digest) or _result(job, units)) for job in jobs]
    if sessions:
        sessions.keep({job.digest: one for job, one in spotted if isinstance(one, Session)})
    return spotted


def _result(job: Job, units: Units) -> Spotted:
    if not isinstance(job.identity, Identity):
        return drop(job.recording, job.identity)
    unit = units.unit(job.digest)
    return unit.read_dropped() or read_session(unit.session)
