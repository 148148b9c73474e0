"""A crew on a cluster: the one file that knows Dask's workers.

Only jobs, settings and outcomes travel, so that pixels never cross a process boundary. Dask's own
threads only wait: the work is done by the processes of :mod:`fmdata.pipeline.engine.pool`.

Promise: a worker that does not see the files of this machine, under the same names, gets no work
and writes nothing. Before its first job each one, also one that joins later, is asked to see a file
that this process wrote and the recordings, and to write a file that this process sees.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import FmdataError, RecordingError, UsageError
from fmdata.pipeline.engine.crew import AgainError, Order
from fmdata.pipeline.engine.pool import MAX_CRASHES, WorkerPool, run_in_pool
from fmdata.pipeline.engine.shared import Meeting, meeting
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, drop

_REFRESH_S = 2.0  # between two looks at the workers of the cluster
_MAX_LISTED = 5


class NotSeenError(Exception):
    """A worker was given a job, and does not see the disk."""


class Cluster:
    """A :class:`~fmdata.pipeline.engine.crew.Crew` of the workers of a Dask scheduler.

    Parameters
    ----------
    client : distributed.Client
        Connection to the scheduler.
    place : Meeting
        Files by which a worker shows that it sees the disk.
    order : Order
        What all jobs have in common; paths are absolute.

    Attributes
    ----------
    blind : dict of str to str
        Why a worker gets no work, by its address.
    """

    def __init__(self, client: Any, place: Meeting, order: Order) -> None:
        self._client, self._place, self._order = client, place, order
        self._executor = client.get_executor(pure=False)
        self._threads: dict[str, int] = {}  # of each worker that sees the disk
        self.blind: dict[str, str] = {}
        self._looked_s = -_REFRESH_S

    @property
    def note(self) -> str:
        """The number of workers without work; or that there is none at all."""
        if not self._threads:
            return "waiting for workers"
        n = len(self.blind)
        return f"{n} workers do not see the disk, and get no work" if n else ""

    def size(self) -> int:
        """Return twice the number of threads of the workers that see the disk."""
        if time.monotonic() - self._looked_s >= _REFRESH_S:
            self.look()
        return 2 * sum(self._threads.values())

    def look(self) -> None:
        """Check the workers that have joined, and forget those that have left."""
        present: dict[str, int] = self._client.nthreads()
        new = [one for one in present if one not in self._threads and one not in self.blind]
        if new:
            answers = self._client.run(self._place.answer, workers=new, on_error="return")
            for address, answer in answers.items():
                if problem := self._place.problem_of(answer):
                    self.blind[address] = problem
        self.blind = {one: why for one, why in self.blind.items() if one in present}
        self._threads = {one: n for one, n in present.items() if one not in self.blind}
        self._looked_s = time.monotonic()

    def submit(self, job: Job, *, alone: bool = False) -> "Future[Outcome]":
        """Start a job on a worker that sees the disk."""
        recording = replace(job.recording, path=job.recording.path.absolute())
        future: Future[Outcome] = self._executor.submit(
            _process, self._place, replace(job, recording=recording), self._order, alone,
            # Others too when all of these have left: then the worker itself looks first.
            workers=list(self._threads), allow_other_workers=True,
        )  # fmt: skip
        return future

    def result(self, job: Job, future: "Future[Outcome]") -> Outcome:
        """Return a job's outcome; ``crashed`` where every worker that had it was lost."""
        from distributed import KilledWorker

        try:
            return future.result()
        except NotSeenError as error:
            time.sleep(_REFRESH_S)  # it may be the only worker, until another one joins
            raise AgainError from error
        except KilledWorker:
            detail = "the Dask workers that it was given to died"
            lost = RecordingError("discover", "crashed", detail)
            return Outcome(job.digest, 0, drop(job.recording, lost, attempts=MAX_CRASHES))
        except CancelledError as error:
            raise _gone() from error

    def close(self) -> None:
        """Stop all work of this build on the workers."""
        self._executor.shutdown(wait=False)
        if self._client.status == "running":
            with suppress(OSError):  # workers end their processes when they end themselves
                self._client.run(_stop, self._place.name, on_error="ignore")


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
    from distributed.comm import CommClosedError

    model = order.model.absolute() if order.model else None
    order = replace(order, work=order.work.absolute(), model=model)
    with _connected(scheduler) as client, meeting(order, jobs) as place:
        crew = Cluster(client, place, order)
        crew.look()
        if crew.blind:
            raise _blind_error(crew.blind, scheduler, order.work)
        try:
            yield crew
        except FmdataError:
            raise
        except Exception as error:
            # A request may fail before the client notices that nobody answers any more.
            if client.status != "running" or isinstance(error, CommClosedError):
                raise _gone() from error
            raise
        finally:
            crew.close()


def _connected(scheduler: str) -> Any:
    """Return a client of a scheduler, which the caller closes."""
    # Imported here, since it takes a second and only this needs it.
    from distributed import Client

    # It would print tracebacks of a lost connection, which is reported in plain words.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        return Client(scheduler)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers: {error}",
            wanted="the address of a running scheduler, such as tcp://HOST:8786",
            where=f"--scheduler {scheduler}",
            todo="start one with `dask scheduler`, or correct the address; nothing was done",
        ) from error


def _gone() -> FmdataError:
    return FmdataError(
        "the Dask scheduler is gone",
        wanted="a scheduler that runs as long as the build",
        where="--scheduler",
        todo="start it again, then run the same command, which resumes from here",
    )


def _blind_error(blind: dict[str, str], scheduler: str, work: Path) -> UsageError:
    listed = [f"{address}: {why}" for address, why in sorted(blind.items())[:_MAX_LISTED]]
    more = [f"and {len(blind) - _MAX_LISTED} more"] if len(blind) > _MAX_LISTED else []
    return UsageError(
        "\n  ".join([f"{len(blind)} workers that cannot work for this build:", *listed, *more]),
        wanted=f"workers with this release of fmdata, to which the recordings and {work.parent} "
        "have the same paths as here, on a disk that all share",
        where=f"--scheduler {scheduler}",
        todo="mount the disk on every worker, or build without --scheduler; nothing was done",
    )


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


def _process(place: Meeting, job: Job, order: Order, alone: bool) -> Outcome:
    if not place.is_seen():
        raise NotSeenError
    pool = _on_cluster.of(place.name)
    options = (order.settings, order.work, order.model, order.time_limit_s)
    return run_in_pool(pool, job, *options, alone=alone)


def _stop(build: str) -> None:
    _on_cluster.stop(build)
