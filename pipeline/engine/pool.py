"""Work on a recording in a process of its own, which may die or hang without harm to any other.

A library's crash, the system's hand when memory runs out, and a hang are not errors that Python
could catch: they end a process, or have to be ended with one. Promise: whatever a recording does
to the process that works on it, it comes to an outcome, and no other recording is blamed for it.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import FmdataError, RecordingError
from fmdata.catalog.storage.files import temporary_folder
from fmdata.catalog.types import Recording
from fmdata.pipeline.engine.heartbeat import Beat, shared_file
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.outcome import Outcome, drop
from fmdata.pipeline.work.unit import outcome_of, write_dropped

DEATHS = 3  # of processes at work on one recording, before it is given up
FRAMES = 100  # that the time limit is for

_MODULE = "fmdata.pipeline.engine.worker"
STARTS = 3  # of a process, before it is said that none does
_START_S = 300.0  # for a process to import what it needs
_LOOK_S = 0.5  # between two looks at the clock
_CLOSE_S = 10.0


class DeathError(Exception):
    """The process at work died: in which stage, and how."""

    def __init__(self, stage: str, how: str) -> None:
        super().__init__(stage, how)
        self.stage, self.how = stage, how


class TimeLimitError(Exception):
    """The process at work was ended because it did not get on: in which stage."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage


class StoppedError(Exception):
    """The run is over: nothing more is begun."""


class Worker:
    """A process that works on one recording after another.

    It ends by itself when this process does, however that ends.
    """

    def __init__(self) -> None:
        file = shared_file()
        ours, theirs = Pipe()
        try:
            self._beat = Beat(file)
            self._process = subprocess.Popen(
                # -P: nothing that lies in the user's folder is imported.
                [sys.executable, "-P", "-m", _MODULE, str(theirs.fileno()), str(file)],
                pass_fds=(theirs.fileno(), file),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # a terminal's Ctrl-C and Ctrl-Z are this process's to answer
            )
        finally:
            theirs.close()
            os.close(file)
        self._pipe = ours
        self.pid = self._process.pid

    def wait_ready(self) -> None:
        """Wait until it has imported what it needs."""
        with suppress(EOFError, ConnectionError):
            if self._pipe.poll(_START_S):
                self._pipe.recv()
                return
        self.kill()
        raise FmdataError(
            f"a process to work in does not start ({_how(self._process.returncode)})",
            wanted="Python able to start another process of its own kind",
            where=f"{sys.executable} -P -m {_MODULE}",
            todo="run that command to see why; it should do no more than ask for two numbers",
        )

    def ask(self, job: tuple[Any, ...], time_limit_s: float) -> Outcome:
        """Have a job done.

        Raises
        ------
        DeathError, TimeLimitError
            When it was not; the process is gone.
        Exception
            Whatever the job raised.
        """
        try:
            self._beat.start()
            self._pipe.send(job)
            self._wait(time_limit_s)
            answer = self._pipe.recv()
        except (EOFError, ConnectionError) as fault:
            stage, _ = self._beat.seen()
            self.kill()
            raise DeathError(stage, _how(self._process.returncode)) from fault
        if isinstance(answer, BaseException):
            raise answer
        outcome: Outcome = answer
        return outcome

    def _wait(self, time_limit_s: float) -> None:
        """Wait for an answer; no longer than the limit for any `FRAMES` frames."""
        since, lap = time.monotonic(), 0
        while not self._pipe.poll(min(_LOOK_S, time_limit_s)):
            stage, frames = self._beat.seen()
            if frames // FRAMES > lap:
                since, lap = time.monotonic(), frames // FRAMES
            elif time.monotonic() - since > time_limit_s and not self._pipe.poll(0):
                self.kill()
                raise TimeLimitError(stage)

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process, which is idle, in its own way."""
        self._pipe.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()


class Workers:
    """Processes to work in, started when they are needed and used again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._stopped = False

    def _ready(self, worker: Worker) -> Worker:
        """Wait for a new process; when memory is short it may take more than one."""
        left = STARTS
        while True:
            try:
                worker.wait_ready()
            except FmdataError:
                left -= 1
                with self._lock:
                    self._busy.discard(worker)
                    self.require_going()
                    if not left:
                        raise
                    worker = Worker()
                    self._busy.add(worker)
            else:
                return worker

    @contextmanager
    def one(self) -> Iterator[Worker]:
        """Lend a process; when the block raises, it is ended and not lent again."""
        with self._lock:
            self.require_going()
            worker = self._idle.pop() if self._idle else None
            fresh = worker is None
            worker = worker or Worker()
            self._busy.add(worker)
        try:
            if fresh:
                worker = self._ready(worker)
            yield worker
        except BaseException:
            worker.kill()
            raise
        else:
            with self._lock:
                self._idle.append(worker)
        finally:
            with self._lock:
                self._busy.discard(worker)

    def require_going(self) -> None:
        """Raise StoppedError when a process has died because the run is over."""
        if self._stopped:
            raise StoppedError

    def close_idle(self) -> None:
        """End the processes that have nothing to do."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def stop(self) -> None:
        """End all processes, at work or not, and lend no more."""
        with self._lock:
            self._stopped = True
            busy = list(self._busy)
        for worker in busy:
            worker.kill()
        self.close_idle()


def process_apart(
    workers: Workers,
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    work: Path,
    model: Path | None,
    time_limit_s: float,
) -> Outcome:
    """Do :func:`fmdata.pipeline.stages.process` in one of `workers`.

    A recording is given up as ``crashed`` after `DEATHS` processes have died of it, and as
    ``timed_out`` the first time that `FRAMES` frames, or all of the work between two frames, take
    longer than the limit.
    """
    for _ in range(DEATHS):
        worker = None
        try:
            with workers.one() as worker:
                return worker.ask((recording, identity, settings, work, model), time_limit_s)
        except TimeLimitError as fault:
            detail = f"more than {time_limit_s:g} s for {FRAMES} frames (--time-limit)"
            left_out = drop(recording, RecordingError(fault.stage, "timed_out", detail))
            break
        except DeathError as fault:
            workers.require_going()
            detail = f"each of the {DEATHS} processes that worked on it died ({fault.how})"
            crash = RecordingError(fault.stage, "crashed", detail)
            left_out = drop(recording, crash, attempts=DEATHS)
        finally:
            if worker is not None:
                unfinished = temporary_folder(work / identity.digest, worker.pid)
                shutil.rmtree(unfinished, ignore_errors=True)
    write_dropped(work / identity.digest, left_out)
    return outcome_of(work / identity.digest)


def _how(code: int | None) -> str:
    """Tell how a process ended."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}, as when memory runs out" if name == "SIGKILL" else name
    return f"signal {-code}"
