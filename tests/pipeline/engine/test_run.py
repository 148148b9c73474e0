"""Running the jobs of a build: each outcome is counted once, and each file is read once."""

import re
from pathlib import Path
from typing import NoReturn

import pytest

from fmdata.catalog.types import Recording
from fmdata.pipeline.engine import run
from fmdata.pipeline.engine.crew import InProcess, Order
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work import digest, site
from fmdata.pipeline.work.outcome import Outcome
from tests.helpers.progress import RecordedProgress


def test_an_outcome_is_counted_once_and_not_again_with_every_other() -> None:
    """Of a hundred thousand recordings, counting them all at each one would take minutes."""

    class Unread(dict[int, Outcome]):
        def values(self) -> NoReturn:
            raise AssertionError("all outcomes are read again")

    progress = RecordedProgress()
    keep = run._collector(Unread(), progress, InProcess(Order(BuildSettings(), Path())))
    for i in range(3):
        keep(i, Outcome(f"{i}", 10))
    assert re.fullmatch(r"\d+ frames/s  0 dropped", progress.notes[-1])


def test_spans_of_one_file_are_hashed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "long.mp4").write_bytes(b"long")
    (tmp_path / "short.mp4").write_bytes(b"short")
    hashed, looked_up = [], []
    whole, versions = site.content_digest, digest.tool_versions

    def counting(recording: Recording) -> str:
        hashed.append(recording.path)
        return whole(recording)

    def counting_versions(landmarks: str) -> dict[str, str]:
        looked_up.append(landmarks)
        return versions(landmarks)

    monkeypatch.setattr(site, "content_digest", counting)
    monkeypatch.setattr(digest, "tool_versions", counting_versions)
    spans = [
        Recording(tmp_path / "long.mp4", "long.mp4", "s01", "smile", str(i), i, i + 1.0)
        for i in range(20)
    ]
    short = Recording(tmp_path / "short.mp4", "short.mp4", "s01", "smile", "short")
    progress = RecordedProgress()
    jobs = run.digest_all([*spans, short], BuildSettings(), progress)
    assert progress.phases == [("build", 21, "recordings")]
    # A step for the first of the two files; after the last one, the processing starts at once.
    assert progress.done in (20, 1)
    assert sorted(hashed) == [tmp_path / "long.mp4", tmp_path / "short.mp4"]
    assert [job.recording for job in jobs] == [*spans, short]
    assert len({job.digest for job in jobs}) == 21
    assert len({job.identity.source_sha256 for job in jobs}) == 2
    assert looked_up == [BuildSettings().landmarks]  # once a build, not for each recording
