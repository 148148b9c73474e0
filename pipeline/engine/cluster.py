"""A crew on a cluster.

Only jobs, settings and outcomes travel, so that pixels never pass through the scheduler. Dask's own
threads only wait: the work is done by the processes of :mod:`fmdata.pipeline.engine.pool`.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.remote.copies import shown
from fmdata.catalog.storage.work import Unit
from fmdata.pipeline.engine.crew import Done, Order
from fmdata.pipeline.engine.pool import MAX_CRASHES, WorkerPool
from fmdata.pipeline.engine.shared import Meeting, meeting, require_seen
from fmdata.pipeline.engine.workers import LostError, Workers, connected
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, drop


class Cluster(Workers):
    """A :class:`~fmdata.pipeline.engine.crew.Crew` of the workers of a Dask scheduler.

    Parameters
    ----------
    client : distributed.Client
        Connection to the scheduler.
    place : Meeting
        Files by which a worker shows that it sees the disk.
    order : Order
        What all jobs have in common; paths are absolute.
    """

    def __init__(self, client: Any, place: Meeting, order: Order) -> None:
        super().__init__(client, place)
        self._order = order

    def submit(self, job: Job, *, alone: bool = False) -> "Future[Done]":
        """Start a job on a worker that sees the disk."""
        job, names = self._order.travelling(job)
        if not names:  # on a disk that all see
            recording = replace(job.recording, path=job.recording.path.absolute())
            job = replace(job, recording=recording)
        return self.send(_process, self._place.name, self._order, job, names, alone)

    def result(self, job: Job, future: "Future[Done]") -> Outcome:
        """Return a job's outcome; ``crashed`` where every worker that had it was lost."""
        try:
            done = self.answer(future, job.digest)
        except LostError:
            detail = "the Dask workers that it was given to died"
            lost = RecordingError("discover", "crashed", detail)
            return Outcome(job.digest, 0, drop(job.recording, lost, attempts=MAX_CRASHES))
        outcome = self._order.kept(done)
        if isinstance(done, Outcome):
            require_seen(Unit(self._order.work / job.digest), outcome)
        return outcome

    def close(self) -> None:
        """Stop all work of this build on the workers."""
        super().close()
        with suppress(OSError):  # workers end their processes when they end themselves
            self.run_everywhere(_stop, self._place.name)


@contextmanager
def cluster(scheduler: str, order: Order, jobs: Sequence[Job]) -> Iterator[Cluster]:
    """Yield the crew of a running scheduler, all of whose workers see the disk.

    Raises
    ------
    UsageError
        When there is no scheduler, or one of the workers does not; nothing was done then.
    FmdataError
        When the scheduler ends before the build.
    """
    model = order.model.absolute() if order.model else None
    order = replace(order, work=order.work.absolute(), model=model)
    with connected(scheduler) as client, meeting(order, jobs) as place:
        crew = Cluster(client, place, order)
        crew.require_seeing(scheduler, _needed(order))
        try:
            with crew.watched():
                yield crew
        finally:
            crew.close()


def _needed(order: Order) -> str:
    """Return in words what the workers of a build must see."""
    ends = order.ends
    on_disk = f"{order.work.parent} have the same paths as here, on a disk that all share"
    if ends is None:
        return f"to which the recordings and {on_disk}"
    urls = " and ".join(shown(url) for url in (ends.raw, ends.out) if url)
    needed = f"which reach {urls} with credentials of their own"
    return needed if ends.out else f"{needed}, and to which {on_disk}"


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


def _process(build: str, order: Order, job: Job, names: tuple[str, ...], alone: bool) -> Done:
    return order.in_pool(_on_cluster.of(build), job, names, alone)


def _stop(build: str) -> None:
    _on_cluster.stop(build)
