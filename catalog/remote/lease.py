"""The lock of a dataset at a URL: one command writes at a time.

An object store has no locks, so the lock is a small file that its holder writes again and again.
One that has not changed for a while belongs to a command that has crashed, and is taken over; no
clocks are compared. That of a crashed process on the same machine is taken over at once. It is
created by an exclusive request where the file system has one (S3, GCS, disks), and read back.
Promise: a command that has lost the lock learns of it before it changes a dataset, and stops.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.remote.replaced import mixed
from fmdata.catalog.remote.store import Store
from fmdata.catalog.storage.lock import WORK

LOCK = f"{WORK}/lock.json"
RENEW_S = 10.0  # between two writes of a holder
PATIENCE_S = 60.0  # without a write, after which a holder has crashed
_POLL_S = 1.0
_SETTLE_S = 1.0  # in which two commands that take over at the same time see each other
_READS, _WRITTEN_S = 5, 0.05  # looks at a lock that is half written, and the time between two
_MAX = 1024  # bytes


class Lease:
    """The lock of a place, held by this process.

    Attributes
    ----------
    owner : str
        Name of this holder, unique.
    """

    def __init__(self, store: Store) -> None:
        self.owner = uuid4().hex
        self._store, self._beat = store, 0
        self._ended = threading.Event()

    def content(self) -> bytes:
        """Return the next content of the lock."""
        self._beat += 1
        facts = {"owner": self.owner, "machine": _machine(), "pid": os.getpid(), "beat": self._beat}
        return json.dumps(facts).encode()

    def require(self) -> None:
        """Raise UsageError when another command holds the place."""
        require_held(self._store, self.owner)

    def keep(self) -> None:
        """Write the lock again and again, until :meth:`end` or until another holder has it."""
        while not self._ended.wait(RENEW_S):
            with suppress(FmdataError):  # the next one may succeed; if none does, it is lost
                if not is_held_by(self._store, self.owner):
                    return
                self._store.write(LOCK, self.content())

    def end(self) -> None:
        """Give the place back."""
        self._ended.set()


@contextmanager
def held(store: Store) -> Iterator[Lease]:
    """Hold the lock of a place.

    Raises
    ------
    UsageError
        When another command holds it.
    """
    lease = Lease(store)
    _acquire(store, lease)
    keeper = threading.Thread(target=lease.keep, daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        lease.end()
        keeper.join()
        with suppress(FmdataError):
            if is_held_by(store, lease.owner):
                store.remove(LOCK)
                store.remove_empty_folders(WORK)


def require_held(store: Store, owner: str) -> None:
    """Raise UsageError when another holder has the lock of a place."""
    if not is_held_by(store, owner):
        raise mixed(store, "another command has begun to write to this place")


def is_held_by(store: Store, owner: str) -> bool:
    """Return whether a holder has the lock of a place."""
    found = _read(store)
    return found is not None and _facts(found).get("owner") == owner


def require_free(store: Store) -> None:
    """Raise UsageError while a command holds the lock of a place; wait until that is known."""
    until, last = time.monotonic() + PATIENCE_S, _read(store)
    while last is not None and not _is_crashed(last) and time.monotonic() < until:
        time.sleep(_POLL_S)
        found = _read(store)
        if found is not None and found != last:
            raise _refused(store, found)
        last = found


def _acquire(store: Store, lease: Lease) -> None:
    mine = lease.content()
    # Looked at first, since some stores take the exclusive request for an ordinary one.
    if _read(store) is not None or not store.create(LOCK, mine):
        require_free(store)
        store.write(LOCK, mine)
        time.sleep(_SETTLE_S)
    found = _read(store)
    if found != mine:
        raise _refused(store, found or b"{}")


def _read(store: Store) -> bytes | None:
    """Return the content of the lock; again where it is seen half written, as on a disk."""
    for _ in range(_READS):
        found = store.read(LOCK, _MAX)
        if found is None or _facts(found):
            break
        time.sleep(_WRITTEN_S)
    return found


def _is_crashed(lock: bytes) -> bool:
    """Return whether the holder of a lock was a process of this machine, and has ended."""
    facts = _facts(lock)
    if facts.get("machine") != _machine() or not _machine():
        return False
    try:
        os.kill(int(str(facts.get("pid"))), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _facts(lock: bytes) -> dict[str, object]:
    with suppress(ValueError):
        facts = json.loads(lock)
        if isinstance(facts, dict):
            return facts
    return {}


def _machine() -> str:
    """Return a name of this machine since its last start, and of its process numbers; or nothing.

    It is a hash, so that the place learns no name.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        names = (boot, socket.gethostname(), os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116
    except OSError:  # other systems than Linux
        return ""
    return sha256(repr(names).encode()).hexdigest()[:16]


def _refused(store: Store, lock: bytes) -> UsageError:
    here = _facts(lock).get("machine") == _machine() != ""
    who = f"process {_facts(lock).get('pid')} on this machine" if here else "on another machine"
    return UsageError(
        f"another command is writing to this dataset, {who}",
        wanted="one writing command at a time",
        where=store.url,
        todo="wait until it has ended, or stop it; a minute after a crash the same command goes on",
    )
