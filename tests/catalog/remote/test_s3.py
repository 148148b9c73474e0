"""A real S3 server, which fails at one request in twenty, and a push that is killed amid it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmdata.catalog.remote.pull import pull
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.withdraw import withdraw
from fmdata.catalog.storage.place import COPIES
from fmdata.catalog.verify.dataset import verify
from tests.helpers.command import fmdata
from tests.helpers.folders import read_files
from tests.helpers.s3 import s3_bucket

pytest.importorskip("s3fs")
pytest.importorskip("moto")
pytestmark = pytest.mark.slow

URL = "s3://faces/lab"
SLOW = """
import time
from fmdata.catalog.remote.store import Store
upload = Store.upload
def slow(self, *arguments):
    upload(self, *arguments)
    time.sleep(0.5)
Store.upload = slow
from fmdata.cli import main
main()
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Start a server with an empty bucket, and yield a view of it."""
    with s3_bucket(monkeypatch) as view:
        yield view


def files(view: object) -> dict[str, bytes]:
    return {p.removeprefix("faces/lab/"): view.cat_file(p) for p in view.find("faces/lab")}


def content(dataset: Path) -> dict[str, bytes]:
    found = read_files(dataset).items()
    return {name: data for name, data in found if name != COPIES and not name.startswith(".lock/")}


def test_a_dataset_goes_to_s3_and_back_and_loses_a_subject(
    dataset: Path, tmp_path: Path, bucket: object
) -> None:
    push(dataset, URL)
    assert files(bucket) == content(dataset)
    assert push(dataset, URL).sent == []
    pull(URL, tmp_path / "pulled")
    assert content(tmp_path / "pulled") == content(dataset)
    assert verify(tmp_path / "pulled", deep=True) == []
    assert withdraw(dataset, "s02", URL).left == []
    assert files(bucket) == content(dataset)
    assert not any(b"s02-smile" in data for data in files(bucket).values())


def test_a_process_killed_amid_its_push_is_completed_by_the_command(
    dataset: Path, tmp_path: Path, bucket: object
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "push", URL, str(dataset)], cwd=tmp_path, env=os.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while len(bucket.find("faces/lab")) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 4 <= len(files(bucket)) < len(content(dataset))
    assert "fmdata.json" not in files(bucket)
    run = fmdata("push", URL, dataset, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert " 0 were there" not in run.stdout
    assert files(bucket) == content(dataset)
