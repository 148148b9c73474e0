"""One command writes, or several read; with the kernel's locks, and where flock fails as on NFS."""

import errno
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.storage import lock
from fmdata.catalog.storage.lock import LOCKS, reading, writing
from tests.helpers.command import TIMEOUT_S

# How flock answers; None is the kernel's own.
FLOCKS = [None, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS]
HOLDER = """
import fcntl, sys
from pathlib import Path
from fmdata.catalog.storage import lock

def refused(*_):
    raise OSError(int(sys.argv[3]), "no locks here")

if sys.argv[3] != "None":
    fcntl.flock = refused
with getattr(lock, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 0.5)


@pytest.fixture(params=FLOCKS, ids=str)
def flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Make flock fail with an error in this process, and in those of :func:`held`."""
    number: int | None = request.param
    if number is not None:

        def refused(*_: object) -> None:
            raise OSError(number, "no locks here")

        monkeypatch.setattr("fcntl.flock", refused)
    return number


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Return a folder that stays after a command that wrote nothing, as it is not empty."""
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset/readme.txt").write_text("mine")
    return tmp_path / "dataset"


@contextmanager
def held(how: str, dataset: Path, flock: int | None) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock in a process of its own; `how` is ``writing`` or ``reading``."""
    command = [sys.executable, "-c", HOLDER, how, str(dataset), str(flock)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.communicate("\n", timeout=TIMEOUT_S)


def files_in(dataset: Path) -> list[str]:
    return sorted(str(path.relative_to(dataset)) for path in dataset.rglob("*"))


def test_a_second_writer_is_refused_with_the_first_ones_name(
    dataset: Path, flock: int | None
) -> None:
    with held("writing", dataset, flock) as other:
        with (
            pytest.raises(UsageError, match="another command is writing") as caught,
            writing(dataset),
        ):
            pass
        assert f"process {other.pid} on this machine" in str(caught.value)
        with pytest.raises(DatasetError, match="a command is writing"), reading(dataset):
            pass
    with writing(dataset):
        pass
    assert files_in(dataset) == ["readme.txt"]


def test_readers_keep_writers_away_and_not_each_other(dataset: Path, flock: int | None) -> None:
    with held("reading", dataset, flock) as one, held("reading", dataset, flock) as two:
        with reading(dataset):
            pass
        began = time.monotonic()
        with pytest.raises(UsageError, match="a command is reading") as caught, writing(dataset):
            pass
        assert time.monotonic() - began < lock.PATIENCE_S  # nobody waits for a long training
        assert any(f"process {p.pid} on this machine" in str(caught.value) for p in (one, two))
    with writing(dataset):
        pass
    assert files_in(dataset) == ["readme.txt"]


@pytest.mark.parametrize("how", ["writing", "reading"])
def test_a_killed_holder_is_no_obstacle(dataset: Path, flock: int | None, how: str) -> None:
    with held(how, dataset, flock) as other:
        other.kill()
        other.wait()
        assert files_in(dataset / LOCKS)
        with writing(dataset):
            pass
        assert files_in(dataset) == ["readme.txt"]


def test_many_commands_that_begin_at_once_find_one_another(
    dataset: Path, flock: int | None
) -> None:
    """Five readers begin together: the moment in which one holds the writers' lock is no error."""
    with ExitStack() as stack:
        commands = [[sys.executable, "-c", HOLDER, "reading", str(dataset), str(flock)]] * 5
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    c, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for c in commands
        ]  # fmt: skip
        ended = [process.communicate("\n", timeout=TIMEOUT_S) for process in processes]
    assert [out for out, _ in ended] == ["held\n"] * 5, ended
    assert files_in(dataset) == ["readme.txt"]


def test_a_holder_on_another_machine_is_named_with_the_file_to_delete(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without flock, nobody can know if a process elsewhere still runs."""
    monkeypatch.setattr("fmdata.catalog.storage.lock._has_flock", lambda folder: False)
    (dataset / LOCKS).mkdir()
    (dataset / LOCKS / "writer").write_text("4242\nnode07\n")
    with pytest.raises(UsageError) as caught, writing(dataset):
        pass
    assert "process 4242 on node07" in str(caught.value)
    assert f"delete {dataset / LOCKS / 'writer'}" in caught.value.todo


def test_a_read_only_dataset_can_be_read(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser of a test could write anywhere, so the error is made."""

    def refused(path: Path, patience_s: float) -> None:
        raise PermissionError(errno.EACCES, "permission denied", str(path))

    monkeypatch.setattr("fmdata.catalog.storage.lock._acquired", refused)
    with reading(dataset):
        assert files_in(dataset) == ["readme.txt"]
    with pytest.raises(PermissionError), writing(dataset):
        pass


def test_a_file_removed_by_its_last_holder_is_made_again(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiting process opened the lock's file before its holder removed it."""
    signed, removed = lock._sign, iter([True])

    def late(path: Path, handle: int) -> None:
        if next(removed, False):
            path.unlink()
        signed(path, handle)

    monkeypatch.setattr(lock, "_sign", late)
    refusal = pytest.raises(UsageError, match="another command is writing")
    with writing(dataset), refusal, writing(dataset):
        pass
