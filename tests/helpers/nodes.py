"""A cluster of separate processes in their own folders: `dask scheduler` and `dask worker`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.videos import make_distinct, write_numbered_video
from tests.helpers.waiting import wait_until

DASK = [sys.executable, "-m", "dask"]
# One face in every frame, found slowly enough that workers come and go meanwhile.
BACKEND = """
import time
import numpy as np
import fmdata.pipeline.stages as stages
from fmdata.pipeline.landmarks.face import Face

class Landmarker:
    mesh = np.random.default_rng(0).uniform(20, 80, (478, 3)).astype(np.float32)

    def detect(self, rgb):
        time.sleep(0.02)
        return [Face(self.mesh, np.zeros(3, np.float32), np.zeros(52, np.float32))]

stages._landmarker = lambda *_: Landmarker()
"""


class Nodes:
    """A scheduler and workers in their own folders, each a process and the head of its group."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
        self.folder, self._file = folder, folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []
        (folder / "startup").mkdir()
        (folder / "startup/sitecustomize.py").write_text(BACKEND)
        path = [str(folder / "startup"), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
        here = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *options]
        self._start("scheduler", ["scheduler", "--scheduler-file", str(self._file), *here])
        wait_until(self._file.exists)
        self.address = str(json.loads(self._file.read_text())["address"])

    def worker(
        self, name: str, *within: str, scratch: Path = Path("/tmp")
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread in a folder of its own, with some place for its files."""
        options = ["--nthreads", "1", "--no-dashboard", "--no-nanny"]
        options += ["--local-directory", str(scratch)]
        return self._start(name, ["worker", self.address, *options], *within)

    def _start(self, name: str, command: list[str], *within: str) -> subprocess.Popen[bytes]:
        place = self.folder / name
        place.mkdir()
        process = subprocess.Popen(
            [*within, *DASK, *command], cwd=place, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes:
            kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its group at once, as when its machine goes down."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_nodes(folder: Path, *options: str) -> Iterator[Nodes]:
    """Yield a scheduler, to which workers may be added; all end with the block."""
    with pytest.MonkeyPatch.context() as patch:
        made = Nodes(folder, patch, *options)
        try:
            yield made
        finally:
            made.stop()


def record(raw: Path, n: int) -> None:
    """Write recordings of ten frames of grey, each with other bytes."""
    for i in range(n):
        path = raw / "s01/still" / f"{i:02}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((96, 160, 3), 128, np.uint8)
        make_distinct(write_numbered_video(path, 10, picture=picture).path, str(i))


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def hidden(place: Path) -> list[str]:
    """Return a command prefix that runs a command where `place` is an empty disk."""
    script = 'mount -t tmpfs none "$0" && exec "$@"'
    prefix = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, str(place)]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system may be hidden from a process on this machine")
    return prefix
