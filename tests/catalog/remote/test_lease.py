"""The lock of a dataset at a URL: one holder, which may crash, and whose crash is noticed."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.remote import lease
from fmdata.catalog.remote.contents import MARK
from fmdata.catalog.remote.lease import LOCK, Lease, held, require_free
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.store import Store
from tests.helpers.far_end import FarEnd
from tests.helpers.waiting import wait_until

URL = "far://lab"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait little; a holder writes ten times before another one believes that it has crashed."""
    monkeypatch.setattr(lease, "RENEW_S", 0.1)
    monkeypatch.setattr(lease, "PATIENCE_S", 1.5)
    monkeypatch.setattr(lease, "_POLL_S", 0.05)
    monkeypatch.setattr(lease, "_SETTLE_S", 0.1)


def of_another_machine() -> bytes:
    return json.dumps({"owner": "other", "machine": "elsewhere", "pid": 1, "beat": 7}).encode()


def test_a_second_command_is_refused_while_the_first_holds_the_place_and_not_after() -> None:
    with held(Store(URL)) as first:
        with pytest.raises(UsageError, match="another command is writing"), held(Store(URL)):
            pass
        with pytest.raises(UsageError, match="another command is writing"):
            require_free(Store(URL))
        first.require()
    assert FarEnd.files("lab") == {}
    require_free(Store(URL))
    with held(Store(URL)):
        pass


def test_a_push_to_a_place_where_a_command_works_is_refused(dataset: Path) -> None:
    push(dataset, URL)
    with held(Store(URL)), pytest.raises(UsageError, match="another command is writing"):
        push(dataset, URL)
    push(dataset, URL)


def test_a_push_stops_where_a_command_begins_between_its_look_and_its_mark(dataset: Path) -> None:
    push(dataset, URL)
    before = FarEnd.files("lab")
    with ExitStack() as other:

        def begin() -> None:
            if MARK in FarEnd.files("lab"):
                FarEnd.after = staticmethod(lambda: None)
                other.enter_context(held(Store(URL)))

        FarEnd.after = staticmethod(begin)
        with pytest.raises(UsageError, match="another command is writing"):
            push(dataset, URL)
        assert MARK not in FarEnd.files("lab")
    assert FarEnd.files("lab") == before


def test_a_lock_that_nobody_renews_is_taken_over_after_a_while() -> None:
    Store(URL).write(LOCK, of_another_machine())
    began_s = time.monotonic()
    with held(Store(URL)) as mine:
        assert time.monotonic() - began_s >= lease.PATIENCE_S
        mine.require()


def test_that_of_a_crashed_process_of_this_machine_is_taken_over_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "PATIENCE_S", 3600.0)
    process = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                             capture_output=True, text=True, check=True)  # fmt: skip
    facts = json.loads(Lease(Store(URL)).content()) | {"owner": "x", "pid": int(process.stdout)}
    Store(URL).write(LOCK, json.dumps(facts).encode())
    with held(Store(URL)) as mine:
        mine.require()


def test_a_command_that_has_lost_the_place_learns_of_it_and_leaves_the_lock_of_the_other() -> None:
    """As after the sleep of a laptop, in which another command took over."""
    with held(Store(URL)) as mine:
        Store(URL).write(LOCK, of_another_machine())
        with pytest.raises(UsageError, match="another command has begun"):
            mine.require()
        time.sleep(5 * lease.RENEW_S)
        assert FarEnd.files("lab")[LOCK] == of_another_machine()
    assert FarEnd.files("lab")[LOCK] == of_another_machine()


def test_requests_that_fail_do_not_lose_the_place() -> None:
    with held(Store(URL)) as mine:
        before = FarEnd.files("lab")[LOCK]
        FarEnd.fails = staticmethod(lambda number: OSError("busy") if number % 3 == 0 else None)
        wait_until(lambda: FarEnd.files("lab")[LOCK] != before)
        FarEnd.works()
        mine.require()


def test_of_two_writers_of_one_file_one_creates_it(tmp_path: Path) -> None:
    """In memory and on a disk; a repeated request of the same writer succeeds."""
    for store in (Store(URL), Store(str(tmp_path / "disk"))):
        assert store.create("a/lock", b"one")
        assert not store.create("a/lock", b"two")
        assert store.create("a/lock", b"one")
        assert store.read("a/lock", 9) == b"one"


def test_a_lock_that_is_seen_half_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk a write empties the file first."""
    whole, halves = Store.read, [b"", b'{"owner": "']

    def half(self: Store, name: str, limit: int) -> bytes | None:
        return halves.pop() if halves else whole(self, name, limit)

    monkeypatch.setattr(lease, "RENEW_S", 60.0)
    with held(Store(URL)) as mine:
        monkeypatch.setattr(Store, "read", half)
        mine.require()
    assert not halves


def test_of_many_writers_of_one_file_on_a_disk_one_creates_it(tmp_path: Path) -> None:
    stores = [Store(str(tmp_path / "disk")) for _ in range(8)]
    for number in range(50):
        begin = threading.Barrier(len(stores))

        def create(i: int, name: str = f"lock{number}", begin: threading.Barrier = begin) -> bool:
            begin.wait()
            return stores[i].create(name, f"writer {i}".encode())

        with ThreadPoolExecutor(len(stores)) as threads:
            assert sum(threads.map(create, range(len(stores)))) == 1
