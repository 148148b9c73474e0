"""Folders of a process's own for recordings and clips in work, removed whatever happens to it.

A process that is killed cannot clean up, so another one does: it waits for the end of the first,
whatever ended it, and then removes the folder. On a cluster the folder lies in the Dask worker's
own (``--local-directory``), which Dask clears again when the next worker starts there.
"""

import atexit
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

_MODULE = "fmdata.pipeline.engine.remote.scratch"
_PREFIX = "fmdata-"
_LINGER_S, _POLL_S = 5.0, 0.25  # processes of the dead one end within moments
_PARENT: ContextVar[str | None] = ContextVar("parent", default=None)
_lock = threading.Lock()


@contextmanager
def within(parent: str | None) -> Iterator[None]:
    """Have the folders of this thread made below `parent`; None is the system's place."""
    before = _PARENT.set(parent)
    try:
        yield
    finally:
        _PARENT.reset(before)


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty folder, which is removed with all that is in it."""
    with _lock:
        folder = _guarded(_PARENT.get()) / uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=8)
def _guarded(parent: str | None) -> Path:
    """Return this process's folder below `parent`, and start the process that will remove it."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    guard = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,  # a signal to this process and its group does not reach it
    )  # fmt: skip
    atexit.register(_release, guard, folder)
    return folder


def _release(guard: "subprocess.Popen[bytes]", folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    guard.communicate()


def main() -> None:
    """Wait until the process at the other end of the input has ended; then remove its folder."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows lacks one
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    folder = Path(sys.argv[1])
    sys.stdin.buffer.read()  # to its end
    until = time.monotonic() + (_LINGER_S if folder.exists() else 0.0)
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() >= until:
            return
        time.sleep(_POLL_S)


if __name__ == "__main__":
    main()
