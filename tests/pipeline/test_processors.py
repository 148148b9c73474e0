"""Clips made on processors with different features: each is recorded, and `verify` notes them.

OpenCV leaves out the features that its variable names, as on a machine that lacks them.
"""

import shutil
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.storage.made_by.processor import processor_features
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.command import fmdata
from tests.helpers.progress import InterruptedBuild

pytestmark = pytest.mark.slow

BUILD = ("build", "--size", "64", "--workers", "1", "--out")


def add(raw_path: Path, raw: Path, take: str) -> None:
    target = raw / "s01/smile" / f"{take}.mp4"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(raw_path / "s01/smile" / f"{take}.mp4", target)


@pytest.mark.long
def test_a_clip_made_elsewhere_is_recorded_and_noted_and_none_is_made_again(
    raw_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second clip is made without the last feature of this processor, which two clips have."""
    here = processor_features()
    *fewer, last = here.split()
    for take in ("01", "02"):
        add(raw_path, tmp_path / "raw", take)
    assert fmdata(*BUILD, "dataset", cwd=tmp_path).returncode == 0
    dataset = tmp_path / "dataset"
    assert [shard.processors for shard in Dataset(dataset).card.actions.shards] == [[here]]
    assert verify(dataset) == []

    add(raw_path, tmp_path / "raw", "03")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("OPENCV_CPU_DISABLE", last)
        run = fmdata(*BUILD, "dataset", cwd=tmp_path)
    assert "2 of them done before" in run.stdout
    made = {clip.take: clip.row["processor"] for clip in Dataset(dataset).actions}
    assert made == {"01": here, "02": here, "03": " ".join(fewer)}
    (shard,) = Dataset(dataset).card.actions.shards
    assert shard.processors == sorted({here, " ".join(fewer)})

    (note,) = verify(dataset)
    assert note.is_note
    assert note.problem == (
        f"clips made on 2 kinds of processors: 2 with {last}; "
        "1 with none of the features of the others"
    )
    run = fmdata("verify", dataset, cwd=tmp_path)
    assert run.returncode == 0
    assert "kinds of processors" in run.stdout + run.stderr


def test_a_build_that_goes_on_elsewhere_keeps_the_processor_of_each_unit(
    raw_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interrupted after the first of two clips."""
    here, path = processor_features(), tmp_path / "dataset"
    for take in ("01", "02"):
        add(raw_path, tmp_path / "raw", take)
    settings, how = BuildSettings(size=64), RunSettings(workers=0)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "raw", path, settings, how, progress=InterruptedBuild(after=1))
    monkeypatch.setenv("OPENCV_CPU_DISABLE", here.split()[-1])
    run = fmdata(*BUILD, "dataset", cwd=tmp_path)
    assert "1 of them done before" in run.stdout
    elsewhere = " ".join(here.split()[:-1])
    assert sorted(clip.row["processor"] for clip in Dataset(path).actions) == [elsewhere, here]
    assert [finding.is_note for finding in verify(path)] == [True]
