"""A disk that several machines share, and the check that a worker sees it.

The process that builds writes a random text into a folder beside the units. A worker that reads it
answers with a file of its own there; one that does not writes nothing.
"""

import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from fmdata.catalog.errors import FmdataError
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.storage.work import UNREADABLE, Unit
from fmdata.pipeline.engine.crew import Order
from fmdata.pipeline.settings import STAGES_VERSION
from fmdata.pipeline.work.digest import Identity, file_state
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.outcome import Outcome, read_outcome

_TOKEN = "token"
_VISIBLE_S = 90.0  # after which a file that another machine wrote is seen on any network disk


@dataclass(frozen=True)
class Meeting:
    """A folder in which workers answer; travels to them.

    Attributes
    ----------
    folder : Path
        The folder, absolute.
    token : str
        Content of the file in it.
    seen : tuple of (Path, str)
        Files that a worker must see, and their :func:`file_state`, empty where only names count.
    versions : dict of str to str
        Versions of the stages and tools of this build, which a worker must have too.
    landmarks : str
        The landmark backend.
    """

    folder: Path
    token: str
    seen: tuple[tuple[Path, str], ...]
    versions: dict[str, str]
    landmarks: str

    @property
    def name(self) -> str:
        """Name of this build, unique."""
        return self.folder.stem

    def is_seen(self) -> bool:
        """Return whether this process, of a worker, sees the token."""
        try:
            return (self.folder / _TOKEN).read_text() == self.token
        except OSError:
            return False

    def answer(self) -> str:
        """Answer for a worker, in one of its processes: the name of a file, or a problem after a !.

        Nothing is written where the token is not seen.
        """
        if not self.is_seen():
            return f"!it does not see {self.folder.parent}"
        for path, state in self.seen:
            if not _is_same(path, state):
                return f"!it does not see {path}, or sees another file there"
        mine = _versions(self.landmarks)
        if other := [name for name in self.versions if mine.get(name) != self.versions[name]]:
            name = other[0]
            return f"!it has {name} {mine.get(name)}, and this machine {self.versions[name]}"
        name = uuid4().hex
        try:
            (self.folder / name).write_text(_reply(self.token, name))
        except OSError as error:
            return f"!it cannot write to {self.folder.parent}: {error.strerror}"
        return name

    def problem_of(self, answer: object) -> str:
        """Return the reason why a worker that gave this answer gets no work; empty if it does."""
        if not isinstance(answer, str):
            return f"{type(answer).__name__}: {answer}"
        if answer.startswith("!"):
            return answer[1:]
        try:
            if (self.folder / answer).read_text() == _reply(self.token, answer):
                return ""
        except OSError:
            pass
        return f"what it writes to {self.folder.parent} is not seen here"


@contextmanager
def meeting(order: Order, jobs: Sequence[Job]) -> Iterator[Meeting]:
    """Yield a place for the workers of a build to answer in, removed after the block."""
    folder, token = order.work / f"{uuid4().hex}.part", secrets.token_hex()
    seen = _one_a_disk(jobs)
    if order.model:
        seen.append((order.model, ""))
    landmarks = order.settings.landmarks
    folder.mkdir(parents=True)
    try:
        (folder / _TOKEN).write_text(token)
        yield Meeting(folder, token, tuple(seen), _versions(landmarks), landmarks)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _reply(token: str, name: str) -> str:
    return sha256(f"{token}{name}".encode()).hexdigest()


def _versions(landmarks: str) -> dict[str, str]:
    return tool_versions(landmarks) | {"stages of fmdata": str(STAGES_VERSION)}
