"""The one file that knows Dask: recordings in, outcomes out, on any number of workers.

One task per recording, so that pixels never cross a process boundary: only jobs, settings and
outcomes travel. Dask's own threads, here or on a cluster, only wait: the work is done by the
processes of :mod:`fmdata.pipeline.engine.pool`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import dask
from dask import delayed
from dask.callbacks import Callback
from dask.delayed import Delayed
from dask.system import CPU_COUNT

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.types import Recording
from fmdata.pipeline.engine.pool import MAX_CRASHES, WorkerPool, run_in_pool
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import content_digest, file_state, identify
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, drop, failed_if_short

# The digest of a file's content and its state before that, or an error.
ContentDigest: TypeAlias = tuple[str, str] | RecordingError


def digest_all(
    recordings: Sequence[Recording], settings: BuildSettings, progress: Progress = SILENT
) -> list[Job]:
    """Digest every recording, several at a time: reading and hashing leave Python free."""
    # Many recordings may be spans of one long file, which is read once.
    spans = Counter(recording.path for recording in recordings)
    files = list({recording.path: recording for recording in recordings}.values())
    contents: dict[Path, ContentDigest] = {}
    left = len(recordings)

    def keep(i: int, content: ContentDigest) -> None:
        nonlocal left
        path = files[i].path
        contents[path] = content
        left -= spans[path]
        if left:  # the build itself follows the last one at once
            progress.step(spans[path])

    progress.start("build", len(recordings), "recordings")
    progress.note("read")
    tasks = [delayed(_content)(recording) for recording in files]
    _compute_here(tasks, keep, scheduler="threads")
    return [_job(recording, contents[recording.path], settings) for recording in recordings]


def _content(recording: Recording) -> ContentDigest:
    try:
        state = file_state(recording.path)
    except OSError:
        state = ""  # then reading fails as well, and reports why
    try:
        return content_digest(recording), state
    except RecordingError as error:
        return failed_if_short(error)


def _job(recording: Recording, content: ContentDigest, settings: BuildSettings) -> Job:
    if isinstance(content, RecordingError):
        return Job(recording, content)
    return Job(recording, identify(recording, *content, settings))


def run(
    jobs: Sequence[Job],
    settings: BuildSettings,
    work: Path,
    how: RunSettings,
    progress: Progress = SILENT,
) -> list[Outcome]:
    """Process every job; outcomes come in the order of `jobs`.

    Parameters
    ----------
    jobs : sequence of Job
        The recordings to process.
    settings : BuildSettings
        How to build.
    work : Path
        Folder of the units; every worker must see it.
    how : RunSettings
        Number of processes or address of a scheduler, model weights, time limit.
    progress : Progress
        Receives a step and the rate for each outcome.
    """
    outcomes: dict[int, Outcome] = {}
    keep = _collector(outcomes, progress)
    options = (settings, work, how.model)
    if how.scheduler is not None:
        build = uuid4().hex
        tasks = _tasks(partial(_process_on_cluster, build), jobs, *options, how.time_limit_s)
        _compute_on_cluster(build, tasks, jobs, how.scheduler, keep)
    elif how.workers == 0:
        _compute_here(_tasks(process, jobs, *options), keep, scheduler="synchronous")
    else:
        pool = WorkerPool()
        tasks = _tasks(partial(run_in_pool, pool), jobs, *options, how.time_limit_s)
        try:
            _compute_here(tasks, keep, scheduler="threads", num_workers=how.workers or CPU_COUNT)
        finally:
            pool.stop()
    return [outcomes[i] for i in range(len(jobs))]


def _collector(outcomes: dict[int, Outcome], progress: Progress) -> Callable[[int, Outcome], None]:
    """Return a function that keeps the outcome of a job, and reports it."""
    began_s = time.monotonic()
    n_frames = n_dropped = 0

    def keep(i: int, outcome: Outcome) -> None:
        nonlocal n_frames, n_dropped
        outcomes[i] = outcome
        n_frames += outcome.n_frames
        n_dropped += outcome.dropped is not None
        rate = n_frames / max(time.monotonic() - began_s, 1e-9)
        progress.note(f"{rate:.0f} frames/s  {n_dropped} dropped")
        progress.step()

    return keep


def _tasks(do: Callable[..., Outcome], jobs: Sequence[Job], *options: Any) -> list[Delayed]:
    task, batch = delayed(do, pure=False), uuid4().hex
    # Of equal tasks, Dask's schedulers in this process start the one with the last name first.
    return [
        task(job, *options, dask_key_name=f"{batch}-{len(jobs) - i:09}")
        for i, job in enumerate(jobs)
    ]


def _compute_here(
    tasks: Sequence[Delayed], keep: Callable[[int, Any], None], **options: Any
) -> None:
    """Compute with a scheduler in this process, whose callbacks come from this thread."""
    positions = {task.key: i for i, task in enumerate(tasks)}

    def done(key: str, outcome: Any, *_: object) -> None:
        if key in positions:
            keep(positions[key], outcome)

    with Callback(posttask=done):
        dask.compute(*tasks, optimize_graph=False, **options)


def _compute_on_cluster(
    build: str,
    tasks: Sequence[Delayed],
    jobs: Sequence[Job],
    scheduler: str,
    keep: Callable[[int, Outcome], None],
) -> None:
    """Compute on a cluster; all work of this build stops when it ends or is interrupted."""
    # Imported here, since it takes a second and only this needs it.
    from distributed import Client, as_completed

    with Client(scheduler) as client:
        futures: dict[Any, int] = {}
        try:
            futures |= zip(client.compute(tasks), range(len(tasks)), strict=True)
            for future in as_completed(futures):
                i = futures[future]
                keep(i, _result(future, jobs[i]))
                future.release()
        finally:
            client.cancel(list(futures))
            client.run(_stop_on_cluster, build, on_error="ignore")


def _result(future: Any, job: Job) -> Outcome:
    from distributed import KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        lost = RecordingError("discover", "crashed", "the Dask workers that it was given to died")
        return Outcome(job.digest, 0, drop(job.recording, lost, attempts=MAX_CRASHES))
    return outcome


class _PoolsOfBuilds:
    """The worker pools of this Dask worker, one for each build that it works for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[str, WorkerPool] = {}

    def of(self, build: str) -> WorkerPool:
        """Return a build's pool; a stopped one when the build has ended."""
        with self._lock:
            return self._pools.setdefault(build, WorkerPool())

    def stop(self, build: str) -> None:
        """End a build's processes, and the idle ones of builds that may have crashed."""
        self.of(build).stop()
        with self._lock:
            others = list(self._pools.values())
        for pool in others:
            pool.close_idle()


_on_cluster = _PoolsOfBuilds()


def _process_on_cluster(build: str, *job: Any) -> Outcome:
    return run_in_pool(_on_cluster.of(build), *job)


def _stop_on_cluster(build: str) -> None:
    _on_cluster.stop(build)
