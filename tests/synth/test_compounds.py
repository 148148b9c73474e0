"""Compounds made from a simulated dataset, checked on the written shards."""

import csv
import shutil
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.place import MARK, mark_work
from fmdata.catalog.summary import TakesApart
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.folders import read_files
from tests.helpers.progress import RecordedProgress

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(dataset_path: Path) -> Dataset:
    return Dataset(dataset_path)


def test_three_subjects_of_three_actions_make_135_compounds(dataset: Dataset) -> None:
    assert len(dataset.actions) == 36
    assert len(dataset.compounds) == 135
    rows = dataset.compounds.table().to_pylist()
    counts = Counter((row["subject"], row["label"]) for row in rows)
    assert counts == {(s, label): 5 for s in ("s01", "s02", "s03") for label in range(9)}
    for row in rows:
        actions = sorted({c.action for c in dataset.actions if c.subject == row["subject"]})
        assert list(product(actions, actions))[row["label"]] == (row["first"], row["second"])


def test_every_frame_has_the_bytes_of_its_source_frame(dataset: Dataset) -> None:
    jpegs = {clip.key: clip.jpegs() for clip in dataset.actions}
    maps = {clip.key: clip.lbp() for clip in dataset.actions}
    for compound in dataset.compounds:
        named = [(s.source, i) for s in compound.segments for i in range(s.start, s.stop)]
        assert compound.jpegs() == [jpegs[source][i] for source, i in named]
        assert np.array_equal(compound.lbp(), np.stack([maps[source][i] for source, i in named]))
        assert compound.n_frames == len(named)


def test_segments_follow_from_the_motions_of_the_sources(dataset: Dataset) -> None:
    """Recomputed from the rows of the actions alone."""
    facts = {row["key"]: row for row in dataset.actions.table().to_pylist()}
    leads, tails = [], []
    for row in dataset.compounds.table().to_pylist():
        lead, first, second, tail = row["segments"]
        assert [s["role"] for s in row["segments"]] == ["lead", "first", "second", "tail"]
        one, other = facts[first["source"]], facts[second["source"]]
        assert (one["subject"], other["subject"]) == (row["subject"], row["subject"])
        assert (one["action"], other["action"]) == (row["first"], row["second"])
        assert (first["start"], first["stop"]) == (one["onset"], one["offset"])
        held = other["style"] == "hold"
        stop = other["apex"] if held else other["offset"]
        assert (second["start"], second["stop"]) == (other["onset"], stop)
        assert (row["first_take"], row["second_take"]) == (one["key"], other["key"])
        assert lead["source"] == first["source"]
        assert one["onset"] - one["lead"] <= lead["start"] <= lead["stop"] == one["onset"]
        assert tail["source"] == second["source"]
        assert tail["start"] == stop
        assert tail["stop"] <= (other["n_frames"] if held else other["offset"] + other["trail"])
        if row["first"] == row["second"]:
            assert one["key"] != other["key"]
        leads.append(lead["stop"] - lead["start"])
        tails.append(tail["stop"] - tail["start"])
    assert len(set(leads)) > 5  # lengths are random
    assert len(set(tails)) > 5


def test_copies_use_different_takes(dataset: Dataset) -> None:
    pairs: dict[tuple, set] = {}
    for row in dataset.compounds.table().to_pylist():
        cell = (row["subject"], row["first"], row["second"])
        sources = (row["segments"][1]["source"], row["segments"][2]["source"])
        pairs.setdefault(cell, set()).add(sources)
    assert {len(p) for p in pairs.values()} == {5}


def test_every_joint_is_measured_as_the_jump_over_the_median_change(dataset: Dataset) -> None:
    """Recomputed from the decoded frames."""
    compound = next(c for c in dataset.compounds if all(s.n_frames for s in c.segments))
    clips = [dataset.actions[take].frames().astype(int) for take in compound.takes]
    inside = [np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)) for frames in clips]
    frames = compound.frames().astype(int)
    joints = np.cumsum([s.n_frames for s in compound.segments])[:3]
    jumps = np.array([np.abs(frames[i] - frames[i - 1]).mean() for i in joints])
    expected = jumps / np.median(np.concatenate(inside))
    assert compound.row["seams"] == pytest.approx(expected, rel=1e-4)
    assert compound.row["seam"] == pytest.approx(expected.max(), rel=1e-4)


def test_smooth_compounds_join_better_and_keep_every_promise(
    dataset_path: Path, tmp_path: Path
) -> None:
    """The frames are still those of the sources, and no more copies share a take."""
    path = tmp_path / "dataset"
    shutil.copytree(dataset_path, path)
    before = Dataset(path).compounds.table(["seam"])["seam"].to_numpy()
    shared = synth_compounds(path, CompoundSettings()).takes_apart
    assert synth_compounds(path, CompoundSettings(smooth=True)).takes_apart == shared
    after = Dataset(path).compounds.table(["seam"])["seam"].to_numpy()
    assert np.median(after) <= 3.5 < np.median(before)
    assert verify(path, deep=True) == []


def test_the_copies_of_a_compound_share_as_few_takes_as_possible(dataset: Dataset) -> None:
    """Five copies of four takes: at best 8 of 10 pairs are apart, 4 of one action with itself."""
    apart = TakesApart.of(dataset)
    assert apart.cells == {(8, 10): 18, (4, 10): 9}
    assert str(apart) == (
        "180 of 270 positive pairs share no take; by compound: 18 × 8 of 10, 9 × 4 of 10"
    )


def test_the_same_settings_give_the_same_bytes(dataset_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dataset"
    shutil.copytree(dataset_path, copy)
    before = read_files(copy)
    shutil.rmtree(copy / "compounds")
    dataset = Dataset(copy)
    dataset.card.with_compounds(None).write(copy)
    progress = RecordedProgress()
    made = synth_compounds(copy, CompoundSettings(), progress)
    assert not made.reused
    pairs = "180 of 270 positive pairs share no take; by compound: 18 × 8 of 10, 9 × 4 of 10"
    assert str(made) == f"135 compounds made in {copy / 'compounds'}\n  {pairs}"
    assert progress.phases == [("plan", 3, "subjects"), ("synth-compound", 135, "compounds")]
    assert progress.done == 135
    assert read_files(copy) == before
    again = synth_compounds(copy, CompoundSettings())
    assert again.reused
    assert str(again) == f"135 compounds already there in {copy / 'compounds'}\n  {pairs}"
    assert read_files(copy) == before
    # Another k replaces the compounds and leaves the actions unchanged.
    card = synth_compounds(copy, CompoundSettings(k=1)).card
    assert card.compounds.samples == 27
    assert verify(copy) == []
    assert {n: b for n, b in read_files(copy).items() if n.startswith("actions")} == {
        n: b for n, b in before.items() if n.startswith("actions")
    }


def test_a_missing_dataset_raises_and_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fmdata build"):
        synth_compounds(tmp_path / "dataset", CompoundSettings())
    assert not (tmp_path / "dataset").exists()


def test_compounds_are_cut_near_the_true_boundaries(raw_path: Path, dataset: Dataset) -> None:
    """Boundaries found in encoded video, against the ground truth of the simulator."""
    with (raw_path / "truth.csv").open() as file:
        truth = {row["path"]: row for row in csv.DictReader(file)}
    rows = dataset.actions.table().to_pylist()
    shares = []
    for row in rows:
        true = truth[row["source"]]
        onset, offset = int(true["onset"]), int(true["offset"])
        overlap = min(offset, row["offset"]) - max(onset, row["onset"])
        shares.append(overlap / (max(offset, row["offset"]) - min(onset, row["onset"])))
    assert min(shares) >= 0.5
    assert np.mean(shares) >= 0.9


@pytest.mark.parametrize("step", range(3))
def test_a_synthesis_that_crashes_in_its_commit_is_finished_by_the_next(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The commit renames the staged card, the compounds and the card; each renaming fails once."""
    path, again = tmp_path / "dataset", CompoundSettings(k=1)
    shutil.copytree(dataset_path, path)
    synth_compounds(path, again)
    reference = read_files(path)
    shutil.rmtree(path)
    shutil.copytree(dataset_path, path)
    whole, renamed = Path.replace, iter(range(100))
    begun: list[bool] = []

    def fails(self: Path, target: Path) -> Path:
        if begun or "new/fmdata.json" in str(target):
            begun.append(True)
            if next(renamed) == step:
                raise OSError(5, "the machine went down", str(self))
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="went down"):
        synth_compounds(path, again)
    monkeypatch.undo()
    synth_compounds(path, again)
    assert read_files(path) == reference


def test_a_synthesis_keeps_the_units_of_an_interrupted_build(
    dataset_path: Path, tmp_path: Path
) -> None:
    """Finished work on new recordings survives a synthesis."""
    path = tmp_path / "dataset"
    shutil.copytree(dataset_path, path)
    unit = mark_work(path) / ("a" * 64)
    unit.mkdir()
    (unit / "clip.avi").write_bytes(b"done")
    synth_compounds(path, CompoundSettings(k=1))
    assert {p.name for p in (path / ".work").iterdir()} == {unit.name, MARK}


def test_compounds_of_more_than_a_gigabyte_are_muxed_anew(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is lowered; the bytes are those of copied chunks, because FFmpeg's limit is not."""
    path = tmp_path / "dataset"
    shutil.copytree(dataset_path, path)
    synth_compounds(path, CompoundSettings(k=1))
    expected = read_files(path)
    shutil.rmtree(path)
    shutil.copytree(dataset_path, path)
    monkeypatch.setattr("fmdata.catalog.storage.avi.MAX_PLAIN", 1 << 10)
    synth_compounds(path, CompoundSettings(k=1))
    assert read_files(path) == expected
