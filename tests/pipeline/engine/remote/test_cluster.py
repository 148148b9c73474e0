"""A cluster without a common disk: its workers see a bucket of S3, and folders of their own.

The server fails at one request in twenty.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Security

from fmdata.catalog.remote.push import push
from fmdata.catalog.storage.place import COPIES
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.command import FMDATA, TIMEOUT_S, assert_refused, fmdata
from tests.helpers.datasets import make_up
from tests.helpers.folders import read_files
from tests.helpers.nodes import Nodes, kill, record, running_nodes
from tests.helpers.s3 import s3_bucket
from tests.helpers.waiting import wait_until

pytest.importorskip("s3fs")
pytest.importorskip("moto")
pytestmark = [pytest.mark.slow, pytest.mark.long]

OUT = "faces/dataset"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a server with an empty bucket, and yield a view of it."""
    with s3_bucket(monkeypatch) as view:
        yield view


@pytest.fixture
def nodes(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    (tmp_path / "parent").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "parent"))
    with running_nodes(tmp_path) as made:
        yield made


def files(view: Any) -> dict[str, bytes]:
    return {p.removeprefix(f"{OUT}/"): view.cat_file(p) for p in view.find(OUT)}


def units(view: Any) -> list[str]:
    return [path for path in view.find(f"{OUT}/.work/units") if path.endswith("record.json")]


def media_in(folder: Path) -> list[Path]:
    """Return the files in a folder that are no locks of Dask."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if path.suffix not in (".lock", ".dirlock")]


def start(nodes: Nodes, *options: str) -> "subprocess.Popen[str]":
    command = [*FMDATA, "build", "--subjects", "s3://faces/raw", "--out", f"s3://{OUT}", *options]
    return subprocess.Popen(
        [*command, "--size", "64", "--scheduler", nodes.address], cwd=nodes.folder / "parent",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_workers_and_the_command_are_killed_and_the_bytes_are_those_of_a_local_build(
    nodes: Nodes, bucket: Any, tmp_path: Path
) -> None:
    """A worker is killed while a recording is on its disk, one joins, the command is restarted."""
    record(tmp_path / "local/raw", 14)
    (tmp_path / "local/raw/s02/still").mkdir(parents=True)
    (tmp_path / "local/raw/s02/still/bad.mp4").write_bytes(b"no video")
    bucket.put(str(tmp_path / "local/raw"), "faces/raw", recursive=True)
    places = {name: tmp_path / f"disk-{name}" for name in ("first", "second", "third", "fourth")}
    first, *_ = [nodes.worker(one, scratch=places[one]) for one in ("first", "second", "third")]
    with start(nodes) as process:
        wait_until(lambda: len(units(bucket)) >= 3, process)
        process.send_signal(signal.SIGKILL)
    with start(nodes) as process:
        n_before = len(units(bucket))
        wait_until(lambda: len(units(bucket)) > n_before, process)
        wait_until(lambda: media_in(places["first"]), process)
        kill(first)
        nodes.worker("fourth", scratch=places["fourth"])
        shown, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, shown
    assert "15 recordings: 14 clips, 1 dropped" in shown
    done_before = int(shown.split(" of them done before")[0].rpartition(" ")[2])
    assert n_before <= done_before < 15
    for place in (*places.values(), tmp_path / "parent"):
        wait_until(lambda place=place: not media_in(place))
    local = fmdata("build", "--size", "64", "--workers", "2", cwd=tmp_path / "local")
    assert local.returncode == 0, local.stderr
    wanted = read_files(tmp_path / "local/dataset")
    introduced = {name for name in wanted if name.startswith((".nv-meta", "README", "croissant"))}
    assert files(bucket) == {name: wanted[name] for name in wanted.keys() - introduced}


def test_compounds_are_made_at_a_url_by_two_workers_of_which_one_is_killed(
    nodes: Nodes, bucket: Any, tmp_path: Path
) -> None:
    local = make_up(tmp_path / "local/dataset", ["s01", "s02", "s03"], k=0)
    push(local, f"s3://{OUT}")
    (local / COPIES).unlink()
    places = {name: tmp_path / f"disk-{name}" for name in ("first", "second")}
    first, _ = [nodes.worker(name, scratch=place) for name, place in places.items()]
    command = [*FMDATA, "synth-compound", f"s3://{OUT}", "--k", "3", "--shard-mb", "1"]
    with subprocess.Popen(
        [*command, "--scheduler", nodes.address], cwd=tmp_path / "parent",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        wait_until(lambda: any("/shards/" in path for path in bucket.find(OUT)), process)
        wait_until(lambda: media_in(places["first"]), process)
        kill(first)
        shown, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, shown
    for place in (*places.values(), tmp_path / "parent"):
        wait_until(lambda place=place: not media_in(place))
    synth_compounds(local, CompoundSettings(k=3, shard_mb=1))
    assert files(bucket) == read_files(local)


def test_tls_is_set_up_by_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a scheduler without it is not spoken to. The places are `file://` URLs."""
    made = Security.temporary()
    for name, content in (("ca", made.tls_ca_file), ("cert", made.tls_worker_cert)):
        (tmp_path / f"{name}.pem").write_text(content)
    (tmp_path / "key.pem").write_text(made.tls_worker_key)
    for name in ("REQUIRE_ENCRYPTION=true", "TLS__CA_FILE=ca.pem", *(
        f"TLS__{who}__{what}={what.lower()}.pem"
        for who in ("SCHEDULER", "WORKER", "CLIENT") for what in ("CERT", "KEY")
    )):  # fmt: skip
        variable, _, value = name.partition("=")
        value = str(tmp_path / value) if value.endswith(".pem") else value
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__{variable}", value)
    record(tmp_path / "raw", 2)
    raw, out = (f"{(tmp_path / name).as_uri()}" for name in ("raw", "dataset"))
    with running_nodes(tmp_path, "--protocol", "tls") as nodes:
        assert nodes.address.startswith("tls://")
        nodes.worker("first", scratch=tmp_path / "disk")
        options = ["--subjects", raw, "--out", out, "--size", "64"]
        run = fmdata("build", *options, "--scheduler", nodes.address, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert "2 clips, 0 dropped" in run.stdout
        plain = nodes.address.replace("tls://", "tcp://")
        options[3] = (tmp_path / "other").as_uri()
        assert_refused(fmdata("build", *options, "--scheduler", plain, cwd=tmp_path), 2, "no Dask")


def test_a_worker_without_credentials_is_reported_before_any_work(
    nodes: Nodes, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "local/raw", 1)
    bucket.put(str(tmp_path / "local/raw"), "faces/raw", recursive=True)
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    nodes.worker("blind", scratch=tmp_path / "disk")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with start(nodes) as process:
        shown, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 2, shown
    assert "1 workers that cannot work" in shown
    assert "credentials of their own" in shown
    assert files(bucket) == {}
    assert media_in(tmp_path / "disk") == []
