"""A build with a review decodes nothing again, and gives the bytes of a fresh build with it."""

import os
import shutil
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.summary import summarise
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.built import Built
from fmdata.pipeline.work.review.override import read_overrides
from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.folders import assert_same_files, read_files

IN_PROCESS = RunSettings(workers=0)
SETTINGS = CompoundSettings(k=1)
HEADER = "key,source_sha256,onset,apex,offset,action,reject,note"


@pytest.fixture(scope="module")
def built(dataset_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of its own, of the same files, with few compounds. Read only."""
    return linked(dataset_path, tmp_path_factory.mktemp("reviewed") / "dataset", k=1)


def linked(dataset: Path, path: Path, k: int = 0) -> Path:
    """Copy a dataset by links: a command replaces files, and never writes into them."""
    shutil.copytree(dataset, path, copy_function=os.link)
    if k:
        synth_compounds(path, SETTINGS)
    return path


@pytest.fixture
def nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every recording undecodable: a build that decodes one has a dropped recording more."""

    def decode(*_: object) -> None:
        raise AssertionError("a recording is decoded")

    monkeypatch.setattr(stages, "decode", decode)


def reviewed(raw: Path, dataset: Path, *rows: str) -> Built:
    """Build with a table of these rows."""
    table = dataset.parent / "overrides.csv"
    table.write_text("\n".join([HEADER, *rows, ""]))
    return build(raw, dataset, BuildSettings(), IN_PROCESS, overrides=read_overrides(table))


def marks(dataset: Dataset) -> list[str]:
    """Return rows that change two onsets by two frames, an action, and reject a clip."""
    digests = {clip.key: clip.row["source_sha256"] for clip in dataset.actions}
    rows = []
    for key in ("s01-smile-01", "s02-smile-02"):
        motion = dataset.actions[key].motion
        assert motion
        times = f"{motion.onset + 2},{motion.apex},{motion.offset}"
        rows.append(f"{key},{digests[key]},{times},,,two frames late")
    return [
        *rows,
        f"s01-jaw_drop-02,{digests['s01-jaw_drop-02']},,,,Smile,,",
        f"s01-jaw_drop-01,{digests['s01-jaw_drop-01']},,,,,yes,another person",
    ]


@pytest.mark.usefixtures("nothing_is_decoded")
def test_a_review_changes_rows_compounds_and_the_report_and_decodes_nothing(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    path, before = linked(built, tmp_path / "dataset"), Dataset(built)
    result = reviewed(raw_path, path, *marks(before))
    assert (result.clips, len(result.dropped), result.frames, result.removed) == (35, 1, 0, 1)
    assert (
        "review: 4 marks applied, 2 of them boundaries, 1 of them actions, 1 of them rejected"
        in str(result)
    )
    after = Dataset(path)
    for key in ("s01-smile-01", "s02-smile-02"):
        old, new = before.actions[key], after.actions[key]
        assert (new.row["motion_from"], new.row["review"]) == ("given", "two frames late")
        assert new.row["onset"] == old.row["onset"] + 2 == new.row["spotted_onset"] + 2
        assert (new.avi(), new.lbp_npy()) == (old.avi(), old.lbp_npy())
        columns = ["intensity", "landmarks"]
        assert new.frames_table(columns).equals(old.frames_table(columns))
    # The key s01-smile-02 is that of another clip, so the take is another.
    renamed = after.actions["s01-smile-02_jaw_drop"]
    assert (renamed.action, renamed.row["recorded_action"]) == ("smile", "jaw_drop")
    assert renamed.avi() == before.actions["s01-jaw_drop-02"].avi()
    (dropped,) = after.dropped().to_pylist()
    assert (dropped["reason"], dropped["detail"]) == ("rejected", "another person")
    # Compounds are stale, and made anew from the given boundaries.
    assert after.card.stale
    synth_compounds(path, SETTINGS)
    assert verify(path) == []
    made = Dataset(path)
    sources = {s.source: s for clip in made.compounds for s in clip.segments if s.role == "first"}
    assert "s01-jaw_drop-01" not in {s.source for clip in made.compounds for s in clip.segments}
    onset = made.actions["s02-smile-02"].row["onset"]
    assert "s02-smile-02" not in sources or sources["s02-smile-02"].start == onset
    # The summary and the page say so; the same build again changes nothing.
    assert ("reviewed", 3) in {(line.kind, line.count) for line in summarise(made).health}
    page = write_report(path, ReportSettings(faces=False), tmp_path / "page.html").path.read_text()
    assert "Changed by a review in 3 of 35 clips" in page
    assert "another person" in page
    files = read_files(path)
    reviewed(raw_path, path, *marks(before))
    assert read_files(path) == files
    # A table without rows undoes all but the rejection, whose recording cannot be decoded now.
    result = reviewed(raw_path, path)
    assert [one.reason for one in result.dropped] == ["failed"]
    found = {clip.key: clip.row for clip in Dataset(path).actions}
    for key, row in found.items():
        names = before.actions.clip.COLUMNS.facts.names
        assert {n: row[n] for n in names} == {n: before.actions[key].row[n] for n in names}


def test_a_fresh_build_with_a_review_gives_the_same_rows(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    """Of one take of each kind of mark, and one without."""
    raw, whole = tmp_path / "raw", Dataset(built)
    rows = [row for row in marks(whole) if row.startswith("s01")]
    for action, take in (("smile", "01"), ("smile", "02"), ("jaw_drop", "01"), ("jaw_drop", "02")):
        (raw / f"s01/{action}").mkdir(parents=True, exist_ok=True)
        os.link(raw_path / f"s01/{action}/{take}.mp4", raw / f"s01/{action}/{take}.mp4")
    fresh, updated = tmp_path / "fresh", linked(built, tmp_path / "updated")
    assert reviewed(raw, fresh, *rows).clips == 3
    reviewed(raw_path, updated, *marks(whole))
    one, other = Dataset(fresh), Dataset(updated)
    assert one.dropped().equals(other.dropped())
    for clip in one.actions:
        same = other.actions[clip.key]
        assert clip.facts().equals(same.facts())
        names = clip.COLUMNS.frame_facts.names
        assert clip.frames_table(names).equals(same.frames_table(names))
        assert (clip.avi(), clip.lbp_npy()) == (same.avi(), same.lbp_npy())
    # Changed back and forth, only the rejected recording is built; the bytes are the same.
    before = read_files(fresh)
    assert reviewed(raw, fresh).frames == whole.actions["s01-jaw_drop-01"].n_frames
    assert reviewed(raw, fresh, *rows).frames == 0
    assert read_files(fresh) == before


def test_a_review_is_not_lost_by_a_build_without_its_table(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    path = linked(built, tmp_path / "dataset")
    row = marks(Dataset(built))[-1]
    reviewed(raw_path, path, row)
    before = read_files(path)
    run = fmdata("build", "--subjects", raw_path, "--out", path, cwd=tmp_path)
    assert_refused(run, 2, "a dataset with 1 clips that a review has changed", "--overrides")
    assert read_files(path) == before
    # Rejected recordings are not retried.
    how = RunSettings(workers=0, retry_dropped=True)
    table = read_overrides(tmp_path / "overrides.csv")
    assert build(raw_path, path, BuildSettings(), how, overrides=table).frames == 0
    assert_same_files(path / "actions", linked(path, tmp_path / "copy") / "actions")


def test_boundaries_beyond_a_clip_leave_the_dataset_as_it_was(
    raw_path: Path, built: Path, tmp_path: Path
) -> None:
    path, n = linked(built, tmp_path / "dataset"), Dataset(built).actions["s01-smile-01"].n_frames
    with pytest.raises(UsageError, match=f"line 2: offset {n + 1} is beyond s01-smile-01 of {n}"):
        reviewed(raw_path, path, f"s01-smile-01,,2,3,{n + 1},,,")
    with pytest.raises(UsageError, match="did you mean s01-smile-01"):
        reviewed(raw_path, path, "s01-smile-1,,,,,,yes,")
    assert_same_files(path, built)
