"""Nothing that only Linux or POSIX has is needed, neither to import fmdata nor to make a dataset.

A process without these modules and functions stands for Windows as far as fmdata's own code goes;
other libraries are imported before, since they look at the system's name and not at what is there.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What follows may use fmdata; SCRIPT stands for the modules of fmdata.
WITHOUT_POSIX = """
import importlib, os, signal, sys
sys.path.insert(0, {root!r})
import filelock, filelock._api
names = {names!r}
for name in names:
    importlib.import_module(name)
for name in [name for name in sys.modules if name == "fmdata" or name.startswith("fmdata.")]:
    del sys.modules[name]
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "syslog", "readline"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "preadv", "pwritev", "pread", "pwrite", "register_at_fork",
             "getuid", "geteuid", "getgid", "getpgid", "setsid", "killpg", "nice", "mkfifo",
             "chown", "getloadavg", "sched_getaffinity", "sched_setaffinity", "sysconf",
             "SEEK_DATA", "SEEK_HOLE", "WNOHANG", "posix_fallocate", "posix_fadvise"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("pthread_sigmask", "pthread_kill", "sigwait", "sigpending", "alarm", "setitimer",
             "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK", "SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2",
             "SIGCHLD", "SIGSTOP", "SIGCONT", "SIGTSTP", "SIGALRM", "SIGQUIT"):
    if hasattr(signal, name):
        delattr(signal, name)
filelock.has_fcntl = False
for name in names:
    importlib.import_module(name)
"""
# A dataset is built of images, compounds are made, a subject is forgotten, and all is verified.
USE = """
from pathlib import Path
import numpy as np, cv2
from fmdata.catalog import Dataset
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up
from tests.helpers.sounding import Sound, write_sounding_video

mesh = np.random.default_rng(0).uniform(20, 80, (478, 3)).astype(np.float32)
class Landmarker:
    def detect(self, rgb):
        return [Face(mesh, np.zeros(3, np.float32), np.zeros(52, np.float32))]
stages._landmarker = lambda *_: Landmarker()
for subject in ("ann", "bob"):
    folder = Path("raw", subject, "smile")
    folder.mkdir(parents=True)
    write_sounding_video(folder / "01.mp4", Sound(tone_s=0.5 if subject == "ann" else 0.7))
settings = BuildSettings(size=32, audio=True)
built = build(Path("raw"), Path("built"), settings, RunSettings(workers=2))
made = make_up(Path("made"), ["s01", "s02"], k=0)
synth_compounds(made, CompoundSettings(k=2), workers=0)
left = forget(made, "s01").left
assert forget(Path("built"), "ann").clips == 1
found = [*verify(Path("built"), deep=True), *verify(made, deep=True)]
assert (built.clips, built.dropped, left, found) == (2, [], [], []), (built, left, found)
assert [str(lock) for lock in Path().rglob(".lock")] == []
print("used")
"""


def names_of_modules() -> list[str]:
    """Return the names of all modules of fmdata but those of extras that are not installed."""
    rooms = ("catalog", "drawing", "pipeline", "report", "synth", "terminal", "train")
    paths = [ROOT / "cli.py", *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in sorted(paths))
    return [".".join(["fmdata", *(p for p in one if p != "__init__")]) for one in parts]


def run_without_posix(code: str, folder: Path) -> str:
    script = WITHOUT_POSIX.format(root=str(ROOT), names=names_of_modules()) + code
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=600,
        env=os.environ | {"FMDATA_CACHE": str(folder / "cache")},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_fmdata_is_imported_and_used_without_posix(tmp_path: Path) -> None:
    assert len(names_of_modules()) > 150
    assert run_without_posix(USE, tmp_path).strip() == "used"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("python", "folder"),
    [
        ("python3.11", ".venv"),
        ("python3.13", ".venv-python3.13"),
        ("/opt/bin/python3.12", ".venv-python3.12"),
    ],
)
def test_another_python_has_an_environment_of_its_own(python: str, folder: str) -> None:
    """`make -n` only shows what it would run."""
    command = ["make", "--no-print-directory", "--always-make", "-n", "test", f"PYTHON={python}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    made, *_, tested = run.stdout.splitlines()
    assert made == f"{python} -m venv {folder}"
    assert f" {folder}/bin/pytest " in tested
