"""Locks of a dataset: one command writes, or any number of commands read.

The locks are files in the folder ``.lock`` of the dataset, held through filelock: by the kernel
(flock), which releases them with their process, or by the file's existence on a file system without
flock, such as NFS without a lock daemon. ``writer`` is held by a writing command; a reading command
holds it while it takes a file of its own. Promise: the lock of a process killed on this machine
does not stay in the way, and a command that has ended leaves no file.
"""

import errno
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from filelock import (
    BaseFileLock,
    SoftFileLock,
    Timeout,
    UnixFileLock,
    has_fcntl,
    lock_descriptor,
)

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.storage.files import owner_writes

WORK = ".work"  # folder in a dataset for unfinished work
LOCKS = ".lock"  # folder in a dataset for locks
WRITER, READER = "writer", "reader-"
PATIENCE_S = 5.0  # each of many commands that begin to read holds the writers' lock for a moment
_NO_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
# Errors of a folder in which nothing can be made: a read-only one, or a full disk.
_NO_FILE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
_NAMESPACE = "?pidns-"  # filelock's suffix to the name of a host


@contextmanager
def writing(dataset: Path) -> Iterator[None]:
    """Lock a dataset for writing; its folder is made where missing.

    Raises
    ------
    UsageError
        When another process writes to the dataset, or reads it under :func:`reading`.
    """
    folder = dataset / LOCKS
    with owner_writes():
        lock = _acquired(folder / WRITER, PATIENCE_S)
        if lock is None:
            raise UsageError(
                f"another command is writing to this dataset: {_holder(folder / WRITER)}",
                wanted="one writing command at a time",
                where=str(dataset),
                todo=_advice(folder / WRITER),
            )
        try:
            _require_no_reader(dataset)
            yield
        finally:
            _release(lock)
            with suppress(OSError):  # a run that wrote nothing leaves no empty folder
                dataset.rmdir()


@contextmanager
def reading(dataset: Path) -> Iterator[None]:
    """Keep writing commands away from a dataset; other commands may read it as well.

    Where no file can be made in the folder, no lock is held: the reader then learns of a change
    when it reads (:class:`fmdata.catalog.dataset.Dataset`).

    Raises
    ------
    DatasetError
        When a command is writing to the dataset, which then differs from its card.
    """
    lock = None
    if dataset.is_dir():
        with owner_writes():
            lock = _reader(dataset)
    try:
        yield
    finally:
        if lock:
            _release(lock)


def is_lock(path: Path, dataset: Path) -> bool:
    """Return whether a path is the folder of a dataset's locks, or a lock in it."""
    folder = dataset / LOCKS
    return path == folder or (
        path.parent == folder and (path.name == WRITER or path.name.startswith(READER))
    )


def _reader(dataset: Path) -> BaseFileLock | None:
    """Take a reader's lock under the writers' one; None where the folder is read-only."""
    folder = dataset / LOCKS
    try:
        gate = _acquired(folder / WRITER, PATIENCE_S)
        if gate is None:
            raise DatasetError(
                f"a command is writing to this dataset: {_holder(folder / WRITER)}",
                wanted="a dataset that nobody is writing to",
                where=str(dataset),
                todo=_advice(folder / WRITER),
            )
        try:
            return _acquired(folder / f"{READER}{uuid4().hex}", PATIENCE_S)
        finally:
            _release(gate)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise


def _require_no_reader(dataset: Path) -> None:
    """Raise UsageError while a command reads a dataset; remove the locks of killed ones."""
    for path in (dataset / LOCKS).glob(f"{READER}*"):
        lock = _acquired(path, 0)
        if lock is None:
            raise UsageError(
                f"a command is reading this dataset: {_holder(path)}",
                wanted="a dataset that is not being trained on, evaluated or verified",
                where=str(dataset),
                todo=_advice(path),
            )
        _release(lock)


def _acquired(path: Path, patience_s: float) -> BaseFileLock | None:
    """Return a lock on a path, held; None when another process still holds it after a time."""
    until = time.monotonic() + patience_s
    while True:
        left = max(until - time.monotonic(), 0.0)
        try:
            # The last holder of any lock removes the folder.
            path.parent.mkdir(parents=True, exist_ok=True)
            if _has_flock(path.parent):
                lock: BaseFileLock = UnixFileLock(
                    path, left, thread_local=False, on_acquired=partial(_sign, path)
                )
            else:
                lock = SoftFileLock(path, left, thread_local=False)
            return lock.acquire().lock
        except Timeout:
            return None
        except OSError as error:
            # The last holder removed the file, or the folder, while this process waited for it.
            removed = error.errno in (errno.ENOENT, errno.ESTALE)
            if not removed or time.monotonic() > until + PATIENCE_S:
                raise


def _has_flock(folder: Path) -> bool:
    """Return whether the kernel can lock files in a folder, and unlink one that is locked."""
    if not has_fcntl:
        return False
    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            return lock_descriptor(probe.fileno(), blocking=False)
        except OSError as error:
            if error.errno in _NO_FLOCK:
                return False
            raise


def _sign(path: Path, handle: int) -> None:
    """Write the holder into a lock's open file, in the form of filelock's own marker."""
    try:
        same = os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        same = False
    if not same:
        raise FileNotFoundError(errno.ENOENT, "removed by its last holder", str(path))
    with suppress(OSError):  # on a full disk the holder is not named
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n{socket.gethostname()}\n".encode(), 0)


def _release(lock: BaseFileLock) -> None:
    path = Path(lock.lock_file)
    try:
        if isinstance(lock, UnixFileLock):
            path.unlink(missing_ok=True)  # while it is held: a waiting process finds it replaced
    finally:
        lock.release()
    with suppress(OSError):
        path.parent.rmdir()


def _holder(path: Path) -> str:
    """Return the process that holds a lock, in words."""
    with suppress(OSError, ValueError):
        pid, host, *_ = path.read_text().splitlines()
        host = host.partition(_NAMESPACE)[0]
        here = "this machine" if host == socket.gethostname() else host
        return f"process {int(pid)} on {here}"
    return "an unknown process"


def _advice(path: Path) -> str:
    return (
        "wait until it has ended, or stop it; if that process is gone (its machine was switched "
        f"off), delete {path}"
    )
