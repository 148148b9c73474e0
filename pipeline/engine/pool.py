"""The worker pool: each recording runs in its own process, so a crash costs that recording only.

A crash of a native library, the OOM killer and a hang are no exceptions that Python could catch:
they end a process, or the process has to be ended. Promise: whatever a recording does to its
process, the recording gets an outcome, and no other recording is blamed for it.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import FmdataError, RecordingError
from fmdata.catalog.storage.files import temporary_folder
from fmdata.catalog.storage.work import Unit
from fmdata.pipeline.engine.heartbeat import Heartbeat, shared_file
from fmdata.pipeline.settings import JobSettings
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, drop, read_outcome

MAX_CRASHES = 3  # of processes at work on one recording, before it is dropped
LIMIT_FRAMES = 100  # frames that the time limit is for
MAX_STARTS = 3  # failed starts of a process, before the run ends
# A worker inherits open descriptors by their numbers, which Windows has no way to hand over.
HAS_WORKERS = hasattr(os, "fork")

_MODULE = "fmdata.pipeline.engine.worker"
# Of linear algebra in a worker: there is a process for each core.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Memory of frames that are done with is used for the next ones, and lies in large pages: the system
# clears each new page, and networks read all of their weights for each frame. Only glibc knows it.
_MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432"
    ":glibc.malloc.trim_threshold=536870912"
}
_START_S = 300.0  # for a process to import everything
_POLL_S = 0.5  # between two looks at the clock
_CLOSE_S = 10.0


class CrashError(Exception):
    """The worker process crashed, in a stage and in some way."""

    def __init__(self, stage: str, how: str) -> None:
        super().__init__(stage, how)
        self.stage, self.how = stage, how


class TimeLimitError(Exception):
    """The worker process was ended because it made no progress in a stage."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage


class StoppedError(Exception):
    """The run is over, and no more work is started."""


# One thread starts all processes, and lasts as long as this process: on Linux they are killed when
# the thread that started them ends, and the threads of a scheduler come and go.
_starter = ThreadPoolExecutor(1, "fmdata-starter")


class Worker:
    """A process that works on one recording after another.

    It ends by itself when its parent process ends in any way.
    """

    def __init__(self) -> None:
        file = shared_file()
        ours, theirs = Pipe()
        try:
            self._heartbeat = Heartbeat(file)
            self._process = _starter.submit(_start, theirs.fileno(), file).result()
        finally:
            theirs.close()
            os.close(file)
        self._pipe = ours
        self.pid = self._process.pid

    def wait_ready(self) -> None:
        """Wait until the process has imported everything.

        Raises
        ------
        FmdataError
            When it does not start.
        """
        with suppress(EOFError, ConnectionError):
            if self._pipe.poll(_START_S):
                self._pipe.recv()
                return
        self.kill()
        raise FmdataError(
            f"a worker process does not start ({_describe_exit(self._process.returncode)})",
            wanted="Python able to start another process of its own kind",
            where=f"{sys.executable} -P -m {_MODULE}",
            todo="run that command to see why; it should do no more than ask for three numbers",
        )

    def ask(self, job: tuple[Any, ...], time_limit_s: float) -> Outcome:
        """Have a job done; the time limit is for any :data:`LIMIT_FRAMES` frames.

        Raises
        ------
        CrashError, TimeLimitError
            When it was not done; the process has ended.
        Exception
            Any exception that the job raised.
        """
        try:
            self._heartbeat.start()
            self._pipe.send(job)
            self._wait(time_limit_s)
            answer = self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            stage, _ = self._heartbeat.last()
            self.kill()
            raise CrashError(stage, _describe_exit(self._process.returncode)) from error
        if isinstance(answer, BaseException):
            raise answer
        outcome: Outcome = answer
        return outcome

    def _wait(self, time_limit_s: float) -> None:
        """Wait for an answer, no longer than the limit for any :data:`LIMIT_FRAMES` frames."""
        since, lap = time.monotonic(), 0
        while not self._pipe.poll(min(_POLL_S, time_limit_s)):
            stage, frames = self._heartbeat.last()
            if frames // LIMIT_FRAMES > lap:
                since, lap = time.monotonic(), frames // LIMIT_FRAMES
            elif time.monotonic() - since > time_limit_s and not self._pipe.poll(0):
                self.kill()
                raise TimeLimitError(stage)

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End an idle process by closing its pipe."""
        self._pipe.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()


def _start(pipe: int, heartbeat: int) -> "subprocess.Popen[bytes]":
    """Start a process that inherits two open descriptors."""
    return subprocess.Popen(
        # -P: nothing that lies in the user's folder is imported.
        [sys.executable, "-P", "-m", _MODULE, *map(str, (pipe, heartbeat, os.getpid()))],
        pass_fds=(pipe, heartbeat),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_MEMORY | os.environ | _ONE_THREAD,
        process_group=0,  # a terminal's Ctrl-C and Ctrl-Z go to the parent alone
    )


class WorkerPool:
    """Worker processes, started when they are needed and reused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._stopped = False

    @contextmanager
    def borrow(self) -> Iterator[Worker]:
        """Lend a process; when the block raises, the process is ended and not lent again."""
        with self._lock:
            self.require_running()
            worker = self._idle.pop() if self._idle else None
            is_new = worker is None
            worker = worker or Worker()
            self._busy.add(worker)
        try:
            if is_new:
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

    def _ready(self, worker: Worker) -> Worker:
        """Wait for a new process; with little memory it may take several starts."""
        left = MAX_STARTS
        while True:
            try:
                worker.wait_ready()
            except FmdataError:
                left -= 1
                with self._lock:
                    self._busy.discard(worker)
                    self.require_running()
                    if not left:
                        raise
                    worker = Worker()
                    self._busy.add(worker)
            else:
                return worker

    def require_running(self) -> None:
        """Raise StoppedError when the run is over, which is why a process may have ended."""
        if self._stopped:
            raise StoppedError

    def close_idle(self) -> None:
        """End the idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def stop(self) -> None:
        """End all processes, busy or idle, and lend no more."""
        with self._lock:
            self._stopped = True
            busy = list(self._busy)
        for worker in busy:
            worker.kill()
        self.close_idle()


def run_in_pool(
    pool: WorkerPool,
    job: Job,
    settings: JobSettings,
    work: Path,
    model: Path | None,
    time_limit_s: float,
    *,
    alone: bool = False,
) -> Outcome:
    """Do :func:`fmdata.pipeline.stages.process` in a process of the pool.

    A recording is dropped as ``crashed`` after :data:`MAX_CRASHES` crashes. It is dropped as
    ``timed_out`` the first time that :data:`LIMIT_FRAMES` frames, or all the work between two
    frames, take longer than the limit.
    """
    unit = Unit(work / job.digest)
    for _ in range(MAX_CRASHES):
        worker = None
        try:
            with pool.borrow() as worker:
                return worker.ask((job, settings, work, model, alone), time_limit_s)
        except TimeLimitError as error:
            detail = f"more than {time_limit_s:g} s for {LIMIT_FRAMES} frames (--time-limit)"
            dropped = drop(job.recording, RecordingError(error.stage, "timed_out", detail))
            break
        except CrashError as error:
            pool.require_running()
            detail = f"each of the {MAX_CRASHES} processes that worked on it crashed ({error.how})"
            crash = RecordingError(error.stage, "crashed", detail)
            dropped = drop(job.recording, crash, attempts=MAX_CRASHES)
        finally:
            if worker is not None:
                shutil.rmtree(temporary_folder(unit.path, worker.pid), ignore_errors=True)
    unit.write_dropped(dropped)
    return read_outcome(unit)


def _describe_exit(code: int | None) -> str:
    """Return a process's exit code, or the signal that ended it, in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}, as when memory runs out" if name == "SIGKILL" else name
    return f"signal {-code}"
