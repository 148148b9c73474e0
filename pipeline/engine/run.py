"""Runs the jobs of a build: recordings in, outcomes out, on any number of workers.

Promise: time is linear in the number of recordings, since only a few are submitted at a time. A
recording that alone fills the disk is dropped, and the others are built; a disk that is full
without it ends the run, and drops nothing.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from dask.system import CPU_COUNT

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.types import Recording
from fmdata.pipeline.engine.cluster import cluster
from fmdata.pipeline.engine.crew import AgainError, Crew, InProcess, Order, processes
from fmdata.pipeline.engine.pool import HAS_WORKERS
from fmdata.pipeline.engine.window import in_window
from fmdata.pipeline.settings import JobSettings, RunSettings
from fmdata.pipeline.work.digest import Maker
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.limits.room import is_full
from fmdata.pipeline.work.outcome import Outcome
from fmdata.pipeline.work.site import (
    ContentDigest,
    Source,
    Units,
    content_of,
    facts_here,
    state_here,
)


def digest_all(
    recordings: Sequence[Recording],
    settings: JobSettings,
    progress: Progress = SILENT,
    known: KnownFiles | None = None,
    source: Source | None = None,
    *,
    job: str = "build",
) -> list[Job]:
    """Digest every recording, several at a time: reading and hashing leave Python free.

    Files in `known` are not read. `source` reads recordings that are no files of this machine.
    `job` is the name of the progress.
    """
    # Many recordings may be spans of one long file, which is read once.
    spans = Counter(recording.path for recording in recordings)
    files = list({recording.path: recording for recording in recordings}.values())
    contents: dict[Path, ContentDigest] = {}
    left = len(recordings)
    progress.start(job, len(recordings), "recordings")
    progress.note("read")
    for path, content in _contents(files, known, source or _Here()):
        contents[path] = content
        left -= spans[path]
        if left:  # the build itself follows the last one at once
            progress.step(spans[path])
    maker = Maker(settings)
    return [_job(recording, contents[recording.path], maker) for recording in recordings]


def _contents(
    files: Sequence[Recording], known: KnownFiles | None, source: Source
) -> Iterator[tuple[Path, ContentDigest]]:
    """Yield the path and the digest of the content of each file."""
    unknown: dict[Path, tuple[Recording, str | None]] = {}
    for recording in files:
        facts = source.facts(recording.path) if known else None
        if known and facts and (digest := known.digest(facts)):
            yield recording.path, (digest, source.state(recording.path))
        else:
            unknown[recording.path] = recording, facts
    for path, content in source.contents([recording for recording, _ in unknown.values()]):
        before = unknown[path][1]
        is_same = before is not None and source.facts(path) == before
        if known and before and is_same and not isinstance(content, RecordingError):
            known.keep(before, content[0])
        yield path, content


class _Here:
    """A :class:`Source` of files of this machine."""

    def facts(self, path: Path) -> str | None:
        """Return the facts of a recording's files, or None if one is missing."""
        return facts_here(path)

    def state(self, path: Path) -> str:
        """Return the state of a recording's files; empty if one is missing."""
        return state_here(path)

    def contents(self, recordings: Sequence[Recording]) -> Iterator[tuple[Path, ContentDigest]]:
        """Yield the digest of the content of each recording."""
        with ThreadPoolExecutor(CPU_COUNT) as threads:
            window = in_window(
                lambda one: threads.submit(content_of, one), recordings, lambda: 2 * CPU_COUNT
            )
            for recording, future in window:
                yield recording.path, future.result()


def _job(recording: Recording, content: ContentDigest, maker: Maker) -> Job:
    if isinstance(content, RecordingError):
        return Job(recording, content)
    return Job(recording, maker.identify(recording, *content))


def run(
    jobs: Sequence[Job],
    settings: JobSettings,
    units: Units,
    how: RunSettings,
    progress: Progress = SILENT,
) -> list[Outcome]:
    """Process every job; outcomes are in the order of `jobs`.

    Parameters
    ----------
    jobs : sequence of Job
        The recordings to process.
    settings : JobSettings
        How to build.
    units : Units
        Where the units are made; every worker must see their folder, or reach their URL.
    how : RunSettings
        Number of processes or address of a scheduler, model weights, time limit.
    progress : Progress
        Receives a step and the rate for each outcome.
    """
    if not jobs:
        return []
    outcomes: dict[int, Outcome] = {}
    order = Order(settings, units.folder, how.model, how.time_limit_s, units.ends)
    with _crew(jobs, order, how) as crew:
        progress.note(crew.note)
        keep = _collector(outcomes, progress, crew)
        for i, outcome in _outcomes(jobs, crew):
            keep(i, outcome)
    return [outcomes[i] for i in range(len(jobs))]


def _crew(jobs: Sequence[Job], order: Order, how: RunSettings) -> AbstractContextManager[Crew]:
    if how.scheduler is not None:
        return cluster(how.scheduler, order, jobs)
    if how.workers == 0 or not HAS_WORKERS:
        return nullcontext(InProcess(order))
    return processes(order, how.workers)


def _outcomes(jobs: Sequence[Job], crew: Crew) -> Iterator[tuple[int, Outcome]]:
    """Yield the position and the outcome of each job, as they are done.

    Jobs that fill the disk are done again, one at a time with nothing beside them: then it is known
    whether such a job is too large, or the disk is full without it.
    """
    queue = deque(enumerate(jobs))
    while queue:
        crowded: list[tuple[int, Job]] = []

        def fitting(crowded: list[tuple[int, Job]] = crowded) -> Iterator[tuple[int, Job]]:
            while queue and not crowded:
                yield queue.popleft()

        for (i, job), future in in_window(lambda one: crew.submit(one[1]), fitting(), crew.size):
            try:
                yield i, crew.result(job, future)
            except AgainError:
                queue.append((i, job))
            except OSError as error:
                if not is_full(error):
                    raise
                crowded.append((i, job))
        for i, job in crowded:
            yield i, crew.result(job, crew.submit(job, alone=True))


def _collector(
    outcomes: dict[int, Outcome], progress: Progress, crew: Crew
) -> Callable[[int, Outcome], None]:
    """Return a function that keeps the outcome of a job, and reports it."""
    began_s = time.monotonic()
    n_frames = n_dropped = 0

    def keep(i: int, outcome: Outcome) -> None:
        nonlocal n_frames, n_dropped
        outcomes[i] = outcome
        n_frames += outcome.n_frames
        n_dropped += outcome.dropped is not None
        rate = n_frames / max(time.monotonic() - began_s, 1e-9)
        progress.note(f"{rate:.0f} frames/s  {n_dropped} dropped  {crew.note}".rstrip())
        progress.step()

    return keep
