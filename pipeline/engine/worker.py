"""A process of the worker pool: takes jobs and answers with outcomes.

It is started with two open descriptors, its end of a pipe and the file of its
:class:`~fmdata.pipeline.engine.heartbeat.Heartbeat`, and with the id of its parent process.
Promise: it ends with its parent, however that ends. When the other end of the pipe closes, a thread
ends the process; but a native library may hold Python, and then only the system can (on Linux).
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

from fmdata.pipeline.engine.heartbeat import Heartbeat
from fmdata.pipeline.engine.parent import end_with

_OOM_SCORE = Path("/proc/self/oom_score_adj")


def main() -> None:
    """Work until the parent process ends or closes the pipe."""
    end_with(parent=int(sys.argv[3]))
    pipe, heartbeat = Connection(int(sys.argv[1])), Heartbeat(int(sys.argv[2]))
    with suppress(OSError):  # other systems than Linux have no such file
        # When memory runs out, the OOM killer takes this process rather than its parent.
        _OOM_SCORE.write_text("500")
    import cv2  # large, as the stages are, so after the lines above

    from fmdata.pipeline.stages import process

    cv2.setNumThreads(1)  # there is a process for each core

    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, jobs), daemon=True).start()
    pipe.send("ready")
    while True:
        pipe.send(_answer(process, jobs.get(), heartbeat))


def _listen(pipe: Connection, jobs: "queue.SimpleQueue[Any]") -> None:
    # In a thread of its own, because the working thread may hang.
    with suppress(EOFError, OSError):
        while True:
            jobs.put(pipe.recv())
    os._exit(0)


def _answer(process: Callable[..., Any], job: tuple[Any, ...], heartbeat: Heartbeat) -> Any:
    try:
        heartbeat.start()
        *arguments, alone = job
        return process(*arguments, heartbeat, alone=alone)
    except Exception as error:
        try:  # some libraries' errors can be neither pickled nor copied
            pickle.dumps(error)
            copy.copy(error)
        except Exception:
            return RuntimeError(f"{type(error).__name__}: {error}")
        return error


if __name__ == "__main__":
    main()
