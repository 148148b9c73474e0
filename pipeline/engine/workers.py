"""The workers of a Dask scheduler: the one file that knows Dask.

Promise: a worker that does not see the disk or the URL of a command gets no work and writes
nothing. Before its first piece of work each one, also one that joins later, is asked to see a file
that this process wrote and the recordings, and to write a file that this process sees.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from fmdata.catalog.errors import DatasetError, FmdataError, UsageError
from fmdata.pipeline.engine.crew import AgainError
from fmdata.pipeline.engine.remote.scratch import within
from fmdata.pipeline.engine.shared import Meeting
from fmdata.pipeline.engine.window import in_window

T = TypeVar("T")
R = TypeVar("R")

MAX_FAILURES = 3  # of one piece of work, to reach a place, before the command ends
_REFRESH_S = 2.0  # between two looks at the workers of the cluster
_MAX_LISTED = 5


class NotSeenError(Exception):
    """A worker was given a piece of work, and does not see the disk."""


class LostError(Exception):
    """Every worker that had a piece of work has died."""


class Workers:
    """The workers of a scheduler that may work for a command.

    Parameters
    ----------
    client : distributed.Client
        Connection to the scheduler.
    place : Meeting
        Files by which a worker shows that it sees the disk, or reaches the URL.

    Attributes
    ----------
    blind : dict of str to str
        Why a worker gets no work, by its address.
    """

    def __init__(self, client: Any, place: Meeting) -> None:
        self._client, self._place = client, place
        self._executor = client.get_executor(pure=False)
        self._threads: dict[str, int] = {}  # of each worker that sees the disk
        self._failures = Counter[object]()
        self.blind: dict[str, str] = {}
        self._looked_s = -_REFRESH_S

    @property
    def note(self) -> str:
        """The number of workers without work; or that there is none at all."""
        if not self._threads:
            return "waiting for workers"
        n = len(self.blind)
        return f"{n} workers do not see the data, and get no work" if n else ""

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

    def require_seeing(self, scheduler: str, needed: str) -> None:
        """Raise UsageError when one of the workers there does not see the disk or the URL."""
        self.look()
        if not self.blind:
            return
        listed = [f"{one}: {why}" for one, why in sorted(self.blind.items())[:_MAX_LISTED]]
        more = len(self.blind) - _MAX_LISTED
        listed += [f"and {more} more"] if more > 0 else []
        raise UsageError(
            "\n  ".join([f"{len(self.blind)} workers that cannot work for this command:", *listed]),
            wanted=f"workers with this release of fmdata, {needed}",
            where=f"--scheduler {scheduler}",
            todo="correct that on every worker, or work without --scheduler; nothing was done",
        )

    def send(self, work: Callable[..., R], *arguments: object) -> "Future[R]":
        """Start a piece of work on a worker that sees the disk."""
        future: Future[R] = self._executor.submit(
            _on_worker, self._place, work, arguments,
            # Others too when all of these have left: then the worker itself looks first.
            workers=list(self._threads), allow_other_workers=True,
        )  # fmt: skip
        return future

    def answer(self, future: "Future[R]", name: object) -> R:
        """Return the result of a piece of work, known by a name.

        Raises
        ------
        AgainError
            When it is to be sent again: its worker did not see the disk, or could not reach a
            place, which others may.
        LostError
            When every worker that had it was lost.
        FmdataError
            When the scheduler has ended, or no worker reaches the place.
        """
        from distributed import KilledWorker

        try:
            return future.result()
        except NotSeenError as error:
            time.sleep(_REFRESH_S)  # it may be the only worker, until another one joins
            raise AgainError from error
        except DatasetError as error:
            self._failures[name] += 1
            if self._failures[name] == MAX_FAILURES:
                raise
            raise AgainError from error
        except KilledWorker as error:
            raise LostError from error
        except CancelledError as error:
            raise _gone() from error

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield the result of `work` for each item when it is ready, in any order.

        Raises
        ------
        FmdataError
            When every worker that had an item was lost.
        """
        left, again = enumerate(items), deque[tuple[int, T]]()
        mine = object()  # failures of another call are not counted with those of this one

        def due() -> Iterator[tuple[int, T]]:
            while again:
                yield again.popleft()
            yield from left

        def send(item: tuple[int, T]) -> "Future[R]":
            return self.send(work, item[1])

        while True:
            for item, future in in_window(send, due(), self.size):
                try:
                    yield self.answer(future, (mine, item[0]))
                except AgainError:
                    again.append(item)
                except LostError as error:
                    raise _lost() from error
            if not again:
                return

    def close(self) -> None:
        """Send no more work, and forget what was sent."""
        self._executor.shutdown(wait=False)

    def run_everywhere(self, call: Callable[..., object], *arguments: object) -> None:
        """Call a function on every worker; one that is gone has ended its processes itself."""
        if self._client.status == "running":
            self._client.run(call, *arguments, on_error="ignore")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Report the end of the scheduler in plain words, whatever fails first."""
        from distributed.comm import CommClosedError

        try:
            yield
        except FmdataError:
            raise
        except Exception as error:
            # A request may fail before the client notices that nobody answers any more.
            if self._client.status != "running" or isinstance(error, CommClosedError):
                raise _gone() from error
            raise


def connected(scheduler: str) -> Any:
    """Return a client of a scheduler, which the caller closes.

    Raises
    ------
    UsageError
        When there is no scheduler.
    """
    # Imported here, since it takes a second and only this needs it.
    from distributed import Client

    # It would print tracebacks of a lost connection, which is reported in plain words.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        return Client(scheduler)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise UsageError(
            f"no Dask scheduler answers: {error}",
            wanted="the address of a running scheduler, such as tcp://HOST:8786",
            where=f"--scheduler {scheduler}",
            todo="start one with `dask scheduler`, or correct the address; nothing was done",
        ) from error


@contextmanager
def workers_of(scheduler: str, place: Meeting, needed: str) -> Iterator[Workers]:
    """Yield the workers of a scheduler, all of which see the disk; `needed` says which one.

    Raises
    ------
    UsageError
        When there is no scheduler, or one of the workers does not; nothing was done then.
    FmdataError
        When the scheduler ends before the block.
    """
    with connected(scheduler) as client:
        workers = Workers(client, place)
        workers.require_seeing(scheduler, needed)
        try:
            with workers.watched():
                yield workers
        finally:
            workers.close()


def _gone() -> FmdataError:
    """Return the error for a scheduler that has ended."""
    return FmdataError(
        "the Dask scheduler is gone",
        wanted="a scheduler that runs as long as the command",
        where="--scheduler",
        todo="start it again, then run the same command, which resumes from here",
    )


def _lost() -> FmdataError:
    return FmdataError(
        "the Dask workers that a piece of work was given to died",
        wanted="workers that finish it",
        where="--scheduler",
        todo="give them more memory, then run the same command, which resumes from here",
    )


def _on_worker(place: Meeting, work: Callable[..., R], arguments: tuple[object, ...]) -> R:
    from distributed import get_worker

    if not place.is_seen():
        raise NotSeenError
    with within(get_worker().local_directory):
        return work(*arguments)
