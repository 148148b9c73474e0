"""Crews: who does the jobs of a build. In this process, or in worker processes of this machine.

Promise: every job that is submitted has an outcome or an error, and no work outlasts the crew.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from dask.system import CPU_COUNT

from fmdata.pipeline.engine.pool import WorkerPool, run_in_pool
from fmdata.pipeline.engine.remote.job import Delivered, process_at_ends
from fmdata.pipeline.settings import JobSettings
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome
from fmdata.pipeline.work.site import Ends

Done: TypeAlias = Outcome | Delivered  # the result of a job, as a worker returns it


class AgainError(Exception):
    """The job was not begun; it is to be submitted again."""


@dataclass(frozen=True)
class Order:
    """Facts that all jobs of a build have in common.

    Attributes
    ----------
    settings : JobSettings
        How to build.
    work : Path
        Folder of the units; those at a URL have their small files there.
    model : Path or None
        File or folder of the landmark network's weights.
    time_limit_s : float
        Time for any 100 frames.
    ends : Ends or None
        URLs of the recordings and of the dataset.
    """

    settings: JobSettings
    work: Path
    model: Path | None = None
    time_limit_s: float = 600.0
    ends: Ends | None = None

    def done(self, job: Job, names: tuple[str, ...], run: Callable[[Job, Path], Outcome]) -> Done:
        """Do a job where its files are; `run` makes the unit of a job in a folder."""
        if self.ends is None:
            return run(job, self.work)
        return process_at_ends(self.ends, job, names, self.work, run)

    def in_pool(self, pool: WorkerPool, job: Job, names: tuple[str, ...], alone: bool) -> Done:
        """Do a job in a process of a pool."""

        def run(job: Job, work: Path) -> Outcome:
            options = (self.settings, work, self.model, self.time_limit_s)
            return run_in_pool(pool, job, *options, alone=alone)

        return self.done(job, names, run)

    def travelling(self, job: Job) -> tuple[Job, tuple[str, ...]]:
        """Return a job as a worker gets it, and the names of its files at a URL."""
        return self.ends.travelling(job) if self.ends else (job, ())

    def kept(self, done: Done) -> Outcome:
        """Return the outcome of a job, with the small files of its unit here."""
        return done.keep(self.work) if isinstance(done, Delivered) else done


class Crew(Protocol):
    """Does jobs, several at a time."""

    def size(self) -> int:
        """Return the number of jobs to keep submitted, so that nobody waits for one."""

    def submit(self, job: Job, *, alone: bool = False) -> "Future[Done]":
        """Start a job; `alone` says that no other job is at work."""

    def result(self, job: Job, future: "Future[Done]") -> Outcome:
        """Return a job's outcome.

        Raises
        ------
        AgainError
            When it is to be submitted again.
        Exception
            When the run cannot go on.
        """

    @property
    def note(self) -> str:
        """A remark to show beside the progress, or nothing."""


class InProcess:
    """A :class:`Crew` of this process alone; a crash or a hang ends the build."""

    note = ""

    def __init__(self, order: Order) -> None:
        self._order = order

    def size(self) -> int:
        """Return 1."""
        return 1

    def submit(self, job: Job, *, alone: bool = False) -> "Future[Done]":
        """Do a job at once."""
        future: Future[Done] = Future()
        order = self._order

        def run(job: Job, work: Path) -> Outcome:
            return process(job, order.settings, work, order.model, alone=alone)

        try:
            outcome = order.done(*order.travelling(job), run)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(outcome)
        return future

    def result(self, job: Job, future: "Future[Done]") -> Outcome:
        """Return a job's outcome, or raise its error."""
        return self._order.kept(future.result())


class Processes:
    """A :class:`Crew` of worker processes, each of which a thread waits for."""

    note = ""

    def __init__(self, order: Order, threads: ThreadPoolExecutor, pool: WorkerPool, n: int) -> None:
        self._order, self._threads, self._pool, self._n = order, threads, pool, n

    def size(self) -> int:
        """Return twice the number of processes."""
        return 2 * self._n

    def submit(self, job: Job, *, alone: bool = False) -> "Future[Done]":
        """Start a job when a process is free."""
        order = self._order
        return self._threads.submit(order.in_pool, self._pool, *order.travelling(job), alone)

    def result(self, job: Job, future: "Future[Done]") -> Outcome:
        """Return a job's outcome, or raise its error."""
        return self._order.kept(future.result())


@contextmanager
def processes(order: Order, workers: int | None) -> Iterator[Processes]:
    """Yield a crew of so many worker processes, by default one a core."""
    n = workers or CPU_COUNT
    pool = WorkerPool()
    threads = ThreadPoolExecutor(n)
    try:
        yield Processes(order, threads, pool, n)
    finally:
        pool.stop()
        threads.shutdown(cancel_futures=True)
