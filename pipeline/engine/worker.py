"""A process of the worker pool: takes jobs and answers with outcomes.

Its arguments are two open descriptors: of its end of a pipe, and of the file of its
:class:`~fmdata.pipeline.engine.heartbeat.Beat`. The process ends when the other end of the pipe
closes.
"""

import copy
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fmdata.pipeline.engine.heartbeat import Beat

_OOM_SCORE = Path("/proc/self/oom_score_adj")


def main() -> None:
    """Work until the other process has gone, or wants no more."""
    pipe, beat = Connection(int(sys.argv[1])), Beat(int(sys.argv[2]))
    with suppress(OSError):  # where the system has such a thing
        # When memory runs out, better this process than the one that looks after all.
        _OOM_SCORE.write_text("500")
    from fmdata.pipeline.stages import process  # large, so not before the lines above

    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, jobs), daemon=True).start()
    pipe.send("ready")
    while True:
        pipe.send(_answer(process, jobs.get(), beat))


def _listen(pipe: Connection, jobs: "queue.SimpleQueue[Any]") -> None:
    # A thread of its own, because the one that works may not come back.
    with suppress(EOFError, OSError):
        while True:
            jobs.put(pipe.recv())
    os._exit(0)


def _answer(process: Callable[..., Any], job: tuple[Any, ...], beat: Beat) -> Any:
    try:
        beat.start()
        return process(*job, beat)
    except Exception as fault:
        try:  # not every library's errors can be sent, or made anew at the other end
            pickle.dumps(fault)
            copy.copy(fault)
        except Exception:
            return RuntimeError(f"{type(fault).__name__}: {fault}")
        return fault


if __name__ == "__main__":
    main()
