"""`fmdata build --every-motion`: each motion of a session as a take of its own."""

import csv
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.progress import SILENT
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.engine.sessions import every
from fmdata.pipeline.reading.listing.found import Found
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.spotting.sessions.session import Session, SessionMotion
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.site import Units
from tests.helpers.command import FMDATA
from tests.helpers.encoded import recording
from tests.helpers.folders import assert_same_files

pytestmark = pytest.mark.slow
SETTINGS, IN_PROCESS = BuildSettings(every_motion=True), RunSettings(workers=0)


@pytest.fixture(scope="module")
def built(sessions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset built in this process. Read only."""
    path = tmp_path_factory.mktemp("every") / "dataset"
    built = build(sessions, path, SETTINGS, IN_PROCESS)
    assert "4 motions in 3 recordings, each a take" in str(built)
    return path


def test_each_motion_is_a_take_with_its_own_motion(sessions: Path, built: Path) -> None:
    """Four clips of one file, whose motions are the true ones, in the order of time."""
    clips = list(Dataset(built).actions)
    assert [clip.take for clip in clips] == [f"01-m{n:02d}" for n in range(1, 5)]
    truths = list(csv.DictReader((sessions / "truth.csv").open()))
    for clip, truth in zip(clips, truths, strict=True):
        assert (clip.action, clip.row["source"]) == ("session", "s01/session/01.mp4")
        first = round(clip.row["start"] * 25)
        onset, offset = first + clip.motion.onset, first + clip.motion.offset
        both = min(offset, int(truth["offset"])) - max(onset, int(truth["onset"]))
        either = max(offset, int(truth["offset"])) - min(onset, int(truth["onset"]))
        assert both / either >= 0.5
    assert [finding for finding in verify(built) if not finding.is_note] == []


def test_a_still_face_and_a_bad_file_are_dropped_with_their_reasons(built: Path) -> None:
    rows = Dataset(built).dropped().to_pylist()
    found = {row["source"]: (row["stage"], row["reason"], row["take"]) for row in rows}
    assert found == {
        "s01/session/02.mp4": ("spot", "no_motion", "02"),
        "s01/session/03.mp4": ("decode", "unreadable", "03"),
    }


def test_nothing_is_decoded_again(
    sessions: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same build again finds its clips, and its sessions, done."""

    def refused(*_: object) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(stages, "follow", refused)
    again = build(sessions, built, SETTINGS, IN_PROCESS)
    assert (again.clips, again.reused, again.removed) == (4, 4, 0)


def test_a_session_that_cannot_be_read_for_now_keeps_its_takes(
    sessions: Path, built: Path, tmp_path: Path
) -> None:
    """Its file is empty, as a disk that is not there leaves it."""
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    shutil.copytree(sessions, raw)
    shutil.copytree(built, path)
    (raw / "s01/session/01.mp4").write_bytes(b"")
    again = build(raw, path, SETTINGS, IN_PROCESS)
    assert (again.clips, again.removed, len(again.unread)) == (4, 0, 4)
    assert_same_files(path / "actions", built / "actions")


def test_a_motion_may_have_the_name_of_a_session_that_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions `01` and `01-m01`: only their motions become takes."""
    one = recording(tmp_path / "01.mp4")
    whole = [one, replace(one, take="01-m01")]
    motion = SessionMotion(10, 60, 0.4, 2.4, 20, 30, 40, "return", 0.1, 10.0)
    found = [(Job(each, Identity("", each.take)), Session(25.0, 99, (motion,))) for each in whole]
    monkeypatch.setattr(every, "_spotted", lambda *_: found)
    known, previous = KnownFiles(tmp_path), Previous(tmp_path)
    units = Units(tmp_path)
    takes = every.every_motion(Found(whole), previous, SETTINGS, IN_PROCESS, known, units, SILENT)
    assert [one.take for one in takes.recordings] == ["01-m01", "01-m01-m01"]
    assert takes.refused == []


@pytest.mark.long
def test_two_processes_killed_once_give_the_same_bytes(
    sessions: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build is killed once a session is spotted; the same command then resumes."""
    monkeypatch.setenv("FMDATA_CACHE", str(tmp_path / "cache"))
    command = ["build", "--subjects", str(sessions), "--every-motion", "--workers", "2"]
    process = subprocess.Popen([*FMDATA, *command], cwd=tmp_path, stderr=subprocess.DEVNULL)
    work = tmp_path / "dataset/.work"
    limit_s = time.monotonic() + 600
    while not list(work.glob("*/session.json")):
        assert process.poll() is None
        assert time.monotonic() < limit_s
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "dataset/fmdata.json").exists()
    build(sessions, tmp_path / "dataset", SETTINGS, RunSettings(workers=2))
    assert_same_files(tmp_path / "dataset", built)


def test_a_subject_is_forgotten_with_all_motions(built: Path, tmp_path: Path) -> None:
    assert forget(built, "s01").left == []
    assert len(Dataset(built).actions) == 0
