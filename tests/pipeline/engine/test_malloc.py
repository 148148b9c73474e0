"""The C library of a worker process uses the memory of frames again, and large pages."""

from pathlib import Path

import pytest

from fmdata.pipeline.engine.pool import Worker

NAME = "GLIBC_TUNABLES"


def tunables_of_a_process() -> str:
    """Start a process of the pool; return the settings of its C library, as the system has them."""
    worker = Worker()
    try:
        worker.wait_ready()
        environment = Path(f"/proc/{worker.pid}/environ").read_text().split("\0")
    finally:
        worker.kill()
    (value,) = [entry for entry in environment if entry.startswith(f"{NAME}=")]
    return value.removeprefix(f"{NAME}=")


def test_settings_of_the_user_have_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert "glibc.malloc.hugetlb=1" in tunables_of_a_process()
    monkeypatch.setenv(NAME, "glibc.malloc.check=0")
    assert tunables_of_a_process() == "glibc.malloc.check=0"
