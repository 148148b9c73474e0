"""Virtual compounds: a plan that is read like shards, and turned into shards."""

import pickle
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.health.whole import health
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.schema import COMPOUND_FACTS
from fmdata.catalog.summary import TakesApart, summarise
from fmdata.catalog.verify.dataset import verify
from fmdata.catalog.virtual import sources
from fmdata.catalog.virtual.plan import write_plan
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.compounds import assert_same_compounds
from tests.helpers.datasets import change_row, make_up, seal
from tests.helpers.folders import assert_same_files, read_files

SUBJECTS = [f"s{i:02d}" for i in range(4)]
SHARDS = CompoundSettings(k=6, shard_mb=1)
PLAN = replace(SHARDS, virtual=True)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset with compounds in shards. Read only."""
    path = make_up(tmp_path_factory.mktemp("stored") / "dataset", SUBJECTS, dropped=["s00"], k=0)
    synth_compounds(path, SHARDS)
    return path


@pytest.fixture(scope="module")
def virtual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the same dataset with virtual compounds. Read only."""
    path = make_up(tmp_path_factory.mktemp("virtual") / "dataset", SUBJECTS, dropped=["s00"], k=0)
    made = synth_compounds(path, PLAN)
    assert f"{made.card.compounds.samples} virtual compounds planned" in str(made)
    return path


@pytest.fixture
def copy(virtual: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(virtual, tmp_path / "copy"))


def test_a_plan_is_one_file_a_shard_with_the_rows_of_the_format(virtual: Path) -> None:
    names = [path.name for path in sorted((virtual / "compounds").iterdir())]
    assert names == [f"{shard.name}.parquet" for shard in Dataset(virtual).card.compounds.shards]
    assert pq.read_schema(virtual / "compounds" / names[0]).equals(COMPOUND_FACTS)


def test_virtual_compounds_have_the_rows_frames_and_bytes_of_stored_ones(
    virtual: Path, stored: Path
) -> None:
    assert_same_compounds(virtual, stored)


def test_some_frames_are_read_in_any_order(virtual: Path) -> None:
    clip = max(Dataset(virtual).compounds, key=lambda clip: clip.n_frames)
    chosen = [clip.n_frames - 1, 0, 5, 5, -2]
    assert np.array_equal(clip.frames(chosen), clip.frames()[chosen])
    assert clip.jpegs(chosen) == [clip.jpegs()[i] for i in chosen]
    assert clip.frames([]).shape == (0, clip.size, clip.size, 3)


def test_clips_are_found_by_key_and_sent_to_another_process(virtual: Path) -> None:
    compounds = Dataset(virtual).compounds
    clip = compounds[compounds.keys[7]]
    sent = pickle.loads(pickle.dumps(clip))
    assert np.array_equal(sent.frames(), compounds[7].frames())
    assert [c.key for c in compounds.of_subject("s01")] == [
        key for key in compounds.keys if key.startswith("s01")
    ]


def test_the_frames_of_all_clips_are_tables(virtual: Path, stored: Path) -> None:
    columns = ["key", "index", "timestamp", "source", "source_index"]
    one, other = (
        pa.concat_tables(Dataset(path).compounds.frame_tables(columns))
        for path in (virtual, stored)
    )
    assert one.combine_chunks().equals(other.select(columns).combine_chunks())


def test_sources_that_do_not_fit_the_memory_are_read_again(
    virtual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [clip.frames() for clip in Dataset(virtual).compounds]
    monkeypatch.setattr(sources, "MAX_CLIPS", 2)
    found = [clip.frames() for clip in Dataset(virtual).compounds]
    assert all(map(np.array_equal, expected, found))


def test_a_tar_is_asked_for_in_vain_with_advice(virtual: Path) -> None:
    clip = Dataset(virtual).compounds[0]
    for name in ("tar", "jpeg_spans"):
        with pytest.raises(DatasetError, match=r"is virtual: no tar(.|\n)*fmdata synth-compound"):
            getattr(clip, name)


def test_shards_made_of_a_virtual_set_are_those_made_directly(copy: Path, stored: Path) -> None:
    synth_compounds(copy, SHARDS)
    assert_same_files(copy, stored)


def test_a_plan_made_of_shards_is_the_one_made_directly(
    stored: Path, virtual: Path, tmp_path: Path
) -> None:
    """The tars are removed; the plan again is already there."""
    path = Path(shutil.copytree(stored, tmp_path / "copy"))
    assert not synth_compounds(path, PLAN).reused
    assert_same_files(path, virtual)
    assert synth_compounds(path, PLAN).reused


def test_processes_and_other_subjects_change_no_row(virtual: Path, tmp_path: Path) -> None:
    path = make_up(tmp_path / "more", [*SUBJECTS, "s09"], dropped=["s00"], k=0)
    synth_compounds(path, PLAN, workers=1)
    rows = [row for row in Dataset(path).compounds.rows() if row["subject"] != "s09"]
    assert rows == list(Dataset(virtual).compounds.rows())


def test_verify_finds_a_plan_in_order_and_a_wrong_row(copy: Path) -> None:
    assert verify(copy, deep=True) == []
    file = copy / "compounds" / "shard-00000.parquet"
    before = pq.read_table(file)
    segments = before["segments"][3].as_py()
    segments[0]["stop"] = segments[1]["start"] = segments[1]["start"] - 1
    for values, problem in (
        ({"key": "s01-x"}, "the key s01-x, wanted"),
        ({"label": 3}, "the label 3, wanted"),
        ({"segments": segments}, "not the motion of"),
        ({"n_frames": 99}, "99 frames, and its segments have"),
    ):
        change_row(file, 3, **values)
        seal(copy)
        assert any(problem in finding.problem for finding in verify(copy)), (problem, verify(copy))
        pq.write_table(before, file)
    file.write_bytes(file.read_bytes() + b"x")
    assert any("bytes, wanted" in finding.problem for finding in verify(copy))


def test_a_stale_plan_gives_no_frame_and_says_what_to_run(copy: Path) -> None:
    """Rows of the old plan can be read; frames of other actions are never shown as its own."""
    card = Card.read(copy)
    replace(card, compounds=replace(card.compounds, made_from="0" * 64)).write(copy)
    clip = Dataset(copy).compounds[0]
    for read in (clip.frames, clip.jpegs, clip.avi, clip.lbp, clip.frames_table):
        with pytest.raises(DatasetError, match=r"stale(.|\n)*fmdata synth-compound --virtual"):
            read()
    (finding,) = verify(copy)
    assert "stale" in finding.problem
    assert summarise(Dataset(copy)).stale
    assert not synth_compounds(copy, PLAN).reused
    assert verify(copy) == []


def test_summary_health_and_pairs_are_those_of_stored_compounds(
    virtual: Path, stored: Path
) -> None:
    one, other = Dataset(virtual), Dataset(stored)
    assert health(one) == health(other)
    assert TakesApart.of(one) == TakesApart.of(other)
    assert summarise(one).seam_median == summarise(other).seam_median
    assert ", virtual: spliced when read" in str(summarise(one))


def test_pairs_apart_are_counted_as_by_looking_at_each(stored: Path) -> None:
    cells: dict[tuple[str, ...], list[set[str]]] = {}
    for row in Dataset(stored).compounds.rows():
        takes = {row["first_take"], row["second_take"]}
        cells.setdefault((row["subject"], row["first"], row["second"]), []).append(takes)
    pairs = [(a, b) for of in cells.values() for i, a in enumerate(of) for b in of[:i]]
    found = TakesApart.of(Dataset(stored))
    assert (found.pairs, found.apart) == (len(pairs), sum(not a & b for a, b in pairs))


def test_forgetting_leaves_the_plan_of_a_dataset_without_the_subject(
    copy: Path, tmp_path: Path
) -> None:
    others = [name for name in SUBJECTS if name != "s01"]
    without = make_up(tmp_path / "without", others, dropped=["s00"], k=0)
    synth_compounds(without, PLAN)
    forgotten = forget(copy, "s01")
    assert forgotten.left == []
    assert forgotten.compounds > 0
    assert read_files(copy).keys() == read_files(without).keys()
    assert_same_files(copy, without)
    assert verify(copy) == []


def test_a_plan_has_golden_bytes(tmp_path: Path) -> None:
    """Its bytes follow from the rows, in whatever pieces they are handed over."""
    segments = [
        {"source": source, "start": start, "stop": stop, "role": role}
        for source, start, stop, role in (
            ("s-a-1", 2, 3, "lead"), ("s-a-1", 3, 9, "first"), ("s-b-1", 3, 9, "second"),
            ("s-b-1", 9, 9, "tail"),
        )
    ]  # fmt: skip
    rows = [
        {"key": f"s-a-b-c{copy}", "subject": "s", "first": "a", "second": "b", "copy": copy,
         "label": 1, "fold": 4, "fps": 25.0, "n_frames": 13, "first_take": "s-a-1",
         "second_take": "s-b-1", "segments": segments, "seam": 1.5, "seams": [1.0, 1.5]}
        for copy in range(3)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, COMPOUND_FACTS)
    whole = write_plan(tmp_path, "whole", [table])
    pieces = write_plan(tmp_path, "pieces", [table.slice(0, 1), table.slice(1)])
    assert whole == pieces
    assert pq.read_table(tmp_path / "whole.parquet").to_pylist() == rows
    assert sha256((tmp_path / "whole.parquet").read_bytes()).hexdigest() == (
        "3b1590c14afa7265f6b064fbf565a4a38f5e405e58aa304b33a0cf5f21c9a01d"
    )


def test_a_card_that_mixes_plans_and_shards_is_refused(copy: Path) -> None:
    card = Card.read(copy)
    shards = card.compounds.shards
    mixed = replace(shards[0], tar=shards[0].parquet)
    replace(card, compounds=replace(card.compounds, shards=[mixed, *shards[1:]])).write(copy)
    with pytest.raises(DatasetError, match="shards with a tar and shards without one"):
        Dataset(copy)
    virtual = [replace(shard, tar=None, frames=None) for shard in card.actions.shards]
    replace(card, actions=replace(card.actions, shards=virtual)).write(copy)
    with pytest.raises(DatasetError, match="actions without tars"):
        Dataset(copy)
