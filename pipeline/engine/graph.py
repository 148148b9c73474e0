"""The one file that knows Dask: recordings in, outcomes out, on any number of workers.

One task a recording, so that pixels never cross a process boundary: only paths, settings and
outcomes travel. Dask's own threads, here or on a cluster, only wait: the work is done in processes
apart, see :mod:`fmdata.pipeline.engine.pool`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import dask
from dask import delayed
from dask.callbacks import Callback
from dask.delayed import Delayed
from dask.system import CPU_COUNT

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording
from fmdata.pipeline.engine.pool import DEATHS, Workers, process_apart
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import Identity, content_digest, file_state, identify
from fmdata.pipeline.work.outcome import Outcome, drop, failed_if_short

Job = tuple[Recording, Identity]


def identify_all(
    recordings: Sequence[Recording],
    settings: BuildSettings,
    on_read: Callable[[int, int], None] = lambda read, of: None,
) -> list[Identity | RecordingError]:
    """Digest every recording, several at a time: reading and hashing leave Python free.

    `on_read` is told how many recordings have been read, of how many; first of all that none has.
    """

    def content(recording: Recording) -> tuple[str, str] | RecordingError:
        try:
            state = file_state(recording.path)
        except OSError:
            state = ""  # what cannot be looked at cannot be read either, which is told next
        try:
            return content_digest(recording), state
        except RecordingError as fault:
            return failed_if_short(fault)

    # Many recordings may be spans of one long file, which is read once.
    spans = Counter(recording.path for recording in recordings)
    files = list({recording.path: recording for recording in recordings}.values())
    contents: dict[Path, tuple[str, str] | RecordingError] = {}
    read = 0

    def keep(i: int, found: tuple[str, str] | RecordingError) -> None:
        nonlocal read
        path = files[i].path
        contents[path] = found
        read += spans[path]
        on_read(read, len(recordings))

    on_read(0, len(recordings))
    tasks = [delayed(content)(recording) for recording in files]
    _compute_here(tasks, keep, scheduler="threads")
    return [
        found if isinstance(found, RecordingError) else identify(recording, *found, settings)
        for recording in recordings
        for found in [contents[recording.path]]
    ]


def run(
    jobs: Sequence[Job],
    settings: BuildSettings,
    work: Path,
    how: RunSettings,
    on_outcome: Callable[[Outcome], None],
) -> list[Outcome]:
    """Process every recording; outcomes come in the order of `jobs`.

    Parameters
    ----------
    jobs : sequence of (Recording, Identity)
        What to do.
    settings : BuildSettings
        How to do it.
    work : Path
        Where the units go; every worker must see this folder.
    how : RunSettings
        On how many processes, and for how long.
    on_outcome : callable
        Told of each outcome as it comes, in any order.
    """
    outcomes: dict[int, Outcome] = {}

    def keep(i: int, outcome: Outcome) -> None:
        outcomes[i] = outcome
        on_outcome(outcome)

    options = (settings, work, how.model)
    if how.scheduler is not None:
        build = uuid4().hex
        tasks = _tasks(partial(_process_on_cluster, build), jobs, *options, how.time_limit_s)
        _compute_on_cluster(build, tasks, jobs, how.scheduler, keep)
    elif how.workers == 0:
        _compute_here(_tasks(process, jobs, *options), keep, scheduler="synchronous")
    else:
        apart = Workers()
        tasks = _tasks(partial(process_apart, apart), jobs, *options, how.time_limit_s)
        try:
            _compute_here(tasks, keep, scheduler="threads", num_workers=how.workers or CPU_COUNT)
        finally:
            apart.stop()
    return [outcomes[i] for i in range(len(jobs))]


def _tasks(do: Callable[..., Outcome], jobs: Sequence[Job], *options: Any) -> list[Delayed]:
    task, batch = delayed(do, pure=False), uuid4().hex
    # Of equal tasks, Dask's schedulers in this process take up the one with the last name first.
    return [
        task(recording, identity, *options, dask_key_name=f"{batch}-{len(jobs) - i:09}")
        for i, (recording, identity) in enumerate(jobs)
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
    """Compute on a cluster, where nothing of this build goes on when it ends or is interrupted."""
    # A second to import, which only this needs.
    from distributed import Client, as_completed

    with Client(scheduler) as client:
        futures: dict[Any, int] = {}
        try:
            futures |= zip(client.compute(tasks), range(len(tasks)), strict=True)
            for future in as_completed(futures):
                i = futures[future]
                keep(i, _result(future, *jobs[i]))
                future.release()
        finally:
            client.cancel(list(futures))
            client.run(_stop_on_cluster, build, on_error="ignore")


def _result(future: Any, recording: Recording, identity: Identity) -> Outcome:
    from distributed import KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        lost = RecordingError("discover", "crashed", "the Dask workers that it was given to died")
        return Outcome(identity.digest, 0, drop(recording, lost, attempts=DEATHS))
    return outcome


class _WorkersOfBuilds:
    """Processes that belong to this Dask worker, for each build that it works for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, Workers] = {}

    def of(self, build: str) -> Workers:
        """Return a build's own; stopped ones, when it has ended."""
        with self._lock:
            return self._of.setdefault(build, Workers())

    def stop(self, build: str) -> None:
        """End a build's processes, at work or not, and what idles of builds that died perhaps."""
        self.of(build).stop()
        with self._lock:
            others = list(self._of.values())
        for workers in others:
            workers.close_idle()


_on_cluster = _WorkersOfBuilds()


def _process_on_cluster(build: str, *job: Any) -> Outcome:
    return process_apart(_on_cluster.of(build), *job)


def _stop_on_cluster(build: str) -> None:
    _on_cluster.stop(build)
