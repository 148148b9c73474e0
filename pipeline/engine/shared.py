"""A disk or a URL that several machines share, and the check that a worker sees it.

The process that builds writes a random text into a folder beside the units. A worker that reads it
answers with a file of its own there; one that does not writes nothing.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.remote.copies import shown
from fmdata.catalog.remote.store import store_at
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.storage.work import UNREADABLE, Unit
from fmdata.pipeline.engine.crew import Order
from fmdata.pipeline.settings import STAGES_VERSION
from fmdata.pipeline.work.digest import Identity, file_state
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, read_outcome

_TOKEN = "token"
_MAX = 1024  # bytes
_VISIBLE_S = 90.0  # after which a file that another machine wrote is seen on any network disk


@dataclass(frozen=True)
class Meeting:
    """A place in which workers answer; travels to them.

    Attributes
    ----------
    place : str
        The folder, absolute, or its URL.
    token : str
        Content of the file in it.
    seen : tuple of (Path, str)
        Files that a worker must see, and their :func:`file_state`, empty where only names count.
    raw : tuple of (str, str) or None
        URL of the recordings, and the name of one that a worker must reach.
    versions : dict of str to str
        Versions of the stages and tools of this build, which a worker must have too.
    landmarks : str
        The landmark backend.
    """

    place: str
    token: str
    versions: dict[str, str]
    landmarks: str
    seen: tuple[tuple[Path, str], ...] = ()
    raw: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Name of this build, unique."""
        return self.place.rpartition("/")[2]

    def is_seen(self) -> bool:
        """Return whether this process, of a worker, sees the token.

        Raises
        ------
        DatasetError
            When the place cannot be reached.
        """
        try:
            return store_at(self.place).read(_TOKEN, _MAX) == self.token.encode()
        except UsageError:  # it cannot use such a URL at all
            return False

    def answer(self) -> str:
        """Answer for a worker, in one of its processes: the name of a file, or a problem after a !.

        Nothing is written where the token is not seen.
        """
        try:
            is_seen = self.is_seen()
        except FmdataError:
            is_seen = False
        if not is_seen:
            return f"!it does not see {self._above}"
        for path, state in self.seen:
            if not _is_same(path, state):
                return f"!it does not see {path}, or sees another file there"
        mine = _versions(self.landmarks)
        if other := [name for name in self.versions if mine.get(name) != self.versions[name]]:
            name = other[0]
            return f"!it has {name} {mine.get(name)}, and this machine {self.versions[name]}"
        name = uuid4().hex
        try:
            if self.raw and store_at(self.raw[0]).size(self.raw[1]) is None:
                return f"!it does not see the recordings at {shown(self.raw[0])}"
            store_at(self.place).write(name, _reply(self.token, name))
        except FmdataError as error:
            return f"!it cannot work at {error.where}: {error.got}"
        return name

    def problem_of(self, answer: object) -> str:
        """Return the reason why a worker that gave this answer gets no work; empty if it does."""
        if not isinstance(answer, str):
            return f"{type(answer).__name__}: {answer}"
        if answer.startswith("!"):
            return answer[1:]
        if store_at(self.place).read(answer, _MAX) == _reply(self.token, answer):
            return ""
        return f"what it writes to {self._above} is not seen here"

    @property
    def _above(self) -> str:
        return self.place.rpartition("/")[0]


@contextmanager
def meeting(order: Order, jobs: Sequence[Job]) -> Iterator[Meeting]:
    """Yield a place for the workers of a build to answer in, removed after the block."""
    seen, raw = _one_a_disk(jobs), None
    if order.ends and order.ends.raw and jobs:
        _, names = order.ends.travelling(jobs[0])
        seen, raw = [], (order.ends.raw, names[0])
    if order.model:
        seen.append((order.model, ""))
    out = order.ends.out if order.ends else None
    work = f"{out}/{WORK}" if out else str(order.work)
    with place_in(work, order.settings.landmarks) as place:
        yield replace(place, seen=tuple(seen), raw=raw)


@contextmanager
def place_in(work: str, landmarks: str = "") -> Iterator[Meeting]:
    """Yield a meeting in a folder of unfinished work, or at its URL; removed after the block."""
    place, token = f"{work}/{uuid4().hex}.part", secrets.token_hex()
    store = store_at(place)
    try:
        store.write(_TOKEN, token.encode())
        yield Meeting(place, token, _versions(landmarks), landmarks)
    finally:
        with suppress(FmdataError):  # the next command removes it
            for name in store.sizes():
                store.remove(name)
            store.remove_empty_folders("")


def require_seen(unit: Unit, outcome: Outcome) -> None:
    """Raise FmdataError when a unit does not hold the outcome that its worker reported.

    A network disk may show another machine's file a minute late; listing the folder hastens that.
    """
    limit_s = time.monotonic() + _VISIBLE_S
    while not _holds(unit, outcome):
        if time.monotonic() > limit_s:
            raise FmdataError(
                f"a worker reported a recording as done whose files are not here: {unit.digest}",
                wanted="the files that the worker wrote, on a disk that all share",
                where=str(unit.path),
                todo="check the disk on every worker, then run the same command, which resumes "
                "from here",
            )
        list(unit.path.parent.iterdir())
        time.sleep(1.0)


def _holds(unit: Unit, outcome: Outcome) -> bool:
    try:
        whole = outcome.dropped is not None or unit.session.exists() or unit.avi.exists()
        return whole and read_outcome(unit) == outcome
    except UNREADABLE:
        return False


def _one_a_disk(jobs: Sequence[Job]) -> list[tuple[Path, str]]:
    """Return a recording of each disk, absolute, and its state."""
    folders = {job.recording.path.parent: job for job in jobs}
    disks = {folder.stat().st_dev: job for folder, job in folders.items() if folder.exists()}
    return [
        (job.recording.path.absolute(), job.identity.state)
        for job in disks.values()
        if isinstance(job.identity, Identity)
    ]


def _is_same(path: Path, state: str) -> bool:
    try:
        return path.exists() and (not state or file_state(path) == state)
    except OSError:
        return False


def _reply(token: str, name: str) -> bytes:
    return sha256(f"{token}{name}".encode()).hexdigest().encode()


def _versions(landmarks: str) -> dict[str, str]:
    return tool_versions(landmarks) | {"stages of fmdata": str(STAGES_VERSION)}
