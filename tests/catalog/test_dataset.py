"""A dataset read from Python: clips by key and by position, their facts and pixels."""

import json
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.jpeg import decode_jpeg
from fmdata.catalog.storage.schema import ACTION_COLUMNS, COMPOUND_COLUMNS
from fmdata.catalog.summary import first_of, summarise
from fmdata.catalog.types import Motion
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up


@pytest.fixture(scope="module")
def dataset(dataset_path: Path) -> Dataset:
    return Dataset(dataset_path)


def test_a_clip_has_frames_maps_and_per_frame_columns(dataset: Dataset) -> None:
    assert dataset.actions.table().num_rows == 36
    clip = dataset.actions["s01-smile-03"]
    frames = clip.frames()
    assert (frames.dtype, frames.shape) == (np.uint8, (clip.n_frames, 112, 112, 3))
    assert clip.lbp().shape == (clip.n_frames, 112, 112)
    assert clip.landmarks.shape == (clip.n_frames, 478, 3)
    assert clip.transform.shape == (clip.n_frames, 2, 3)
    assert clip.pose.shape == (clip.n_frames, 3)
    assert clip.blendshapes.shape == (clip.n_frames, 52)
    per_frame = (clip.intensity, clip.frame_face_px, clip.frame_sharpness, clip.frame_brightness)
    assert all(column.shape == (clip.n_frames,) for column in per_frame)
    assert np.median(clip.frame_face_px) == pytest.approx(clip.row["face_px"])
    assert isinstance(clip.motion, Motion)
    assert (clip.subject, clip.action, clip.take) == ("s01", "smile", "03")


def test_a_clip_is_the_same_by_position_and_by_key(dataset: Dataset) -> None:
    for clips in (dataset.actions, dataset.compounds):
        assert len(clips.keys) == len(set(clips.keys)) == len(clips)
        for i, key in enumerate(clips.keys):
            assert clips[i].row == clips[key].row
            assert key in clips
        # Per-frame columns are read from the right row.
        for clip in clips:
            table = clip.frames_table(["key", "index"])
            assert table["key"].unique().to_pylist() == [clip.key]
            assert table["index"].to_pylist() == list(range(clip.n_frames))
    assert all(len(clip.column("intensity")) == clip.n_frames for clip in dataset.actions)
    assert all(clip.facts()["key"][0].as_py() == clip.key for clip in dataset.actions)


def test_a_clip_longer_than_a_block_is_read_from_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four clips of 12 frames, in blocks of at most five."""
    clips = Dataset(make_up(tmp_path / "whole", ["s01"])).actions
    landmarks = [clip.landmarks for clip in clips]
    monkeypatch.setattr("fmdata.catalog.storage.tables.frames.FRAMES_PER_BLOCK", 5)
    clips = Dataset(make_up(tmp_path / "blocks", ["s01"])).actions
    assert len(clips) == 4
    for clip, wanted in zip(clips, landmarks, strict=True):
        assert [block.num_rows for block in clip.frame_blocks()] == [5, 5, 2]
        np.testing.assert_array_equal(clip.landmarks, wanted)


def test_selected_frames_equal_those_of_the_whole_clip(dataset: Dataset) -> None:
    clip = dataset.compounds[3]
    frames = clip.frames()
    assert np.array_equal(clip.frames([5, 0, 9]), frames[[5, 0, 9]])
    assert np.array_equal(decode_jpeg(clip.jpegs([4])[0]), frames[4])
    assert clip.jpegs([]) == []


def test_other_tools_read_the_shards(dataset: Dataset) -> None:
    """pyarrow.dataset and tarfile find the same samples in the same order."""
    for part, clips, columns in (
        ("actions", dataset.actions, ACTION_COLUMNS),
        ("compounds", dataset.compounds, COMPOUND_COLUMNS),
    ):
        rows, frames = (
            pyarrow.dataset.dataset(sorted(map(str, (dataset.path / part).glob(pattern))))
            for pattern in ("shard-?????.parquet", "*.frames.parquet")
        )
        assert (rows.schema.names, frames.schema.names) == (
            columns.clips.names,
            columns.frames.names,
        )
        assert rows.to_table(columns=["key"])["key"].to_pylist() == clips.keys
        of_frames = [key for clip in clips for key in [clip.key] * clip.n_frames]
        assert frames.to_table(columns=["key"])["key"].to_pylist() == of_frames
        members = []
        for tar_path in sorted((dataset.path / part).glob("*.tar")):
            with tarfile.open(tar_path) as tar:
                members += tar.getnames()
        assert members == [f"{k}{e}" for k in clips.keys for e in (".avi", ".lbp.npy", ".json")]


def test_frames_are_queried_by_their_facts_and_blocks_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight clips of 12 frames, two a block; at frames 3 to 8 of each the intensity is 0.1."""
    monkeypatch.setattr("fmdata.catalog.storage.tables.frames.FRAMES_PER_BLOCK", 30)
    clips = Dataset(make_up(tmp_path, ["s01", "s02"], k=0)).actions
    frames = pyarrow.dataset.dataset(sorted(map(str, clips.folder.glob("*.frames.parquet"))))
    moving = (pc.field("intensity") > 0.05) & (pc.field("key") == "s02-smile-01")
    found = frames.to_table(columns=["index", "pose"], filter=moving)
    assert found["index"].to_pylist() == [3, 4, 5, 6, 7, 8]
    pose = clips["s02-smile-01"].pose
    np.testing.assert_array_equal(np.array(found["pose"].to_pylist(), np.float32), pose[3:9])
    fragments = [f.subset(moving) for f in frames.get_fragments()]
    assert sum(len(fragment.row_groups) for fragment in fragments) == 1


def test_clips_are_read_by_subject_by_shard_and_in_another_process(dataset: Dataset) -> None:
    clips = dataset.compounds
    rows = list(clips.rows(["key", "subject"]))
    assert [row["key"] for row in rows] == clips.keys == [clip.key for clip in clips]
    assert clips.subjects == list(dict.fromkeys(row["subject"] for row in rows))
    for subject in clips.subjects:
        wanted = [row["key"] for row in rows if row["subject"] == subject]
        assert [clip.key for clip in clips.of_subject(subject)] == wanted != []
    assert list(clips.of_subject("nobody")) == []
    tables = list(clips.tables(["key"]))
    assert [table.num_rows for table in tables] == [s.samples for s in clips.part.shards]
    indices = [i for t in clips.frame_tables(["index"]) for i in t["index"].to_pylist()]
    assert indices == [i for clip in clips for i in range(clip.n_frames)]
    again, clip = pickle.loads(pickle.dumps((clips, clips[5])))
    assert again[clip.key].row == clip.row == clips[5].row
    assert len(pickle.dumps(again)) < 50_000
    assert np.array_equal(clip.timestamps, clips[5].timestamps)


def test_a_frame_of_a_compound_names_its_source(dataset: Dataset) -> None:
    for clip in dataset.compounds:
        table = clip.frames_table(["source", "source_index"])
        shown = [(s.source, i) for s in clip.segments for i in range(s.start, s.stop)]
        assert list(zip(*(c.to_pylist() for c in table.columns), strict=True)) == shown


def test_shards_are_ordered_by_fold_subject_and_key(dataset: Dataset) -> None:
    rows = dataset.compounds.table(["fold", "subject", "key"]).to_pylist()
    order = [(row["fold"], row["subject"], row["key"]) for row in rows]
    assert order == sorted(order)
    assert all(len({s.fold}) == 1 for s in dataset.card.compounds.shards)


def test_the_card_describes_the_dataset_and_not_the_machine(dataset: Dataset) -> None:
    text = (dataset.path / "fmdata.json").read_text()
    document = json.loads(text)
    assert document["format"] == 5
    assert document["actions"]["settings"]["size"] == 112
    assert document["compounds"]["settings"] == {
        "k": 5, "seed": 0, "smooth": False, "virtual": False, "shard_mb": 256, "version": 2,
    }  # fmt: skip
    assert document["compounds"]["made_from"] == dataset.card.actions.digest
    assert str(dataset.path.parent) not in text
    assert Card.read(dataset.path) == dataset.card


def test_a_folder_without_a_valid_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fmdata build"):
        Dataset(tmp_path)
    (tmp_path / "fmdata.json").write_text('{"format": "two"}')
    with pytest.raises(DatasetError, match="card cannot be read: format 'two'"):
        Dataset(tmp_path)


@pytest.mark.parametrize(
    ("number", "age", "todo"),
    [(n, "an older", "build the dataset again") for n in range(1, 5)]
    + [(99, "a newer", "install")],
)
def test_a_dataset_of_another_format_is_named_as_such(
    tmp_path: Path, number: int, age: str, todo: str
) -> None:
    (tmp_path / "fmdata.json").write_text(json.dumps({"format": number}))
    with pytest.raises(DatasetError) as caught:
        Dataset(tmp_path)
    assert caught.value.got == f"a dataset of format {number}, made by {age} release of fmdata"
    assert caught.value.wanted == "a dataset of format 5"
    assert caught.value.todo.startswith(todo)
    (finding,) = verify(tmp_path)
    assert (finding.problem, finding.todo) == (caught.value.got, caught.value.todo)


def test_an_unknown_key_and_missing_compounds_are_errors(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no clip 's01-smile-99'"):
        dataset.actions["s01-smile-99"]
    dataset.card.with_compounds(None).write(tmp_path)
    with pytest.raises(DatasetError, match="synth-compound"):
        _ = Dataset(tmp_path).compounds


def test_the_summary_prints_itself_with_a_printable_path(tmp_path: Path) -> None:
    path = make_up(tmp_path / "a\x1b[31m", ["s01", "s02"], dropped=["s01"], k=1)
    title, *rows = str(summarise(Dataset(path))).splitlines()
    assert title == f"{tmp_path}/a\\x1b[31m"
    assert "  recordings     9: 8 clips, 1 dropped" in rows
    assert "  dropped        unreadable 1" in rows
    assert "  motions        4 return, 4 hold, 0 none; 0 flash" in rows
    facts = rows[: next(i for i, row in enumerate(rows) if row.startswith("  health"))]
    names = [row[2:15].rstrip() for row in facts]
    assert names == ["recordings", "dropped", "subjects", "frames", "motions", "median motion",
                     "compounds", "pairs", "", "shards"]  # fmt: skip
    assert "s01: no " in rows[8]  # a note on the compounds
    assert rows[10].startswith("  health         Dropped as unreadable")


def test_parts_and_halves_are_those_that_the_dataset_has(tmp_path: Path) -> None:
    only, both = (make_up(tmp_path / str(k), ["s01"], k=k) for k in (0, 1))
    assert len(Card.read(only).parts) == len(Dataset(only).halves) == 1
    card = Card.read(both)
    assert card.parts == (card.actions, card.compounds)
    assert [clips.part for clips in Dataset(both).halves] == list(card.parts)


READS: dict[str, Callable[[Dataset, ActionClip], object]] = {
    "pixels": lambda ds, clip: clip.frames(),
    "one frame": lambda ds, clip: clip.frames([3]),
    "maps": lambda ds, clip: clip.lbp(),
    "avi": lambda ds, clip: clip.avi(),
    "facts of frames": lambda ds, clip: clip.landmarks,
    "by key": lambda ds, clip: ds.actions["s02-wink-02"],
    "by position": lambda ds, clip: ds.actions[0],
    "pass": lambda ds, clip: list(ds.actions),
    "table": lambda ds, clip: ds.actions.table(),
    "blocks": lambda ds, clip: list(ds.actions.frame_tables()),
    "compounds": lambda ds, clip: ds.compounds[0],
    "dropped": lambda ds, clip: ds.dropped(),
    "summary": lambda ds, clip: summarise(ds),
}
CHANGES: dict[str, Callable[[Path], object]] = {
    "forget": lambda path: forget(path, "s01"),
    "build": lambda path: make_up(path, ["s00", "s02"], k=0),
    "synth-compound": lambda path: synth_compounds(path, CompoundSettings(k=1, shard_mb=1)),
    "half-way": lambda path: (path / "fmdata.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_open_dataset_that_is_changed_never_shows_the_rows_of_others(
    tmp_path: Path, change: str
) -> None:
    """Every read is an error, also of a clip sent to another process before the change."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], dropped=["s02"], k=2)
    opened = [Dataset(path) for _ in READS]
    clips = [dataset.actions["s02-smile-01"] for dataset in opened]
    sent = pickle.loads(pickle.dumps(clips[0]))
    expected = sent.frames().tobytes()
    for dataset in opened[::2]:
        _ = dataset.compounds  # opened before, or after the change
    CHANGES[change](path)
    for (name, read), dataset, clip in zip(READS.items(), opened, clips, strict=True):
        dataset.actions._held.clear()
        with pytest.raises(DatasetError, match="changed after it was opened") as caught:
            read(dataset, clip)
        assert "open the dataset again" in caught.value.todo, name
    with pytest.raises(DatasetError, match="changed after it was opened"):
        sent.frames()
    if change in ("forget", "synth-compound"):  # opened again, the clip is as it was
        assert Dataset(path).actions["s02-smile-01"].frames().tobytes() == expected


def test_a_file_that_is_not_the_cards_is_not_read(tmp_path: Path) -> None:
    """A shard of another dataset lies in its place, beside the old card."""
    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    other = make_up(tmp_path / "other", ["s01", "s02"], k=0)
    dataset = Dataset(path)
    clip = dataset.actions[0]
    for suffix in (".tar", ".parquet", ".frames.parquet"):
        shutil.copy(other / f"actions/shard-00000{suffix}", path / f"actions/shard-00000{suffix}")
    for read in (clip.frames, lambda: clip.landmarks, lambda: Dataset(path).actions[0]):
        with pytest.raises(DatasetError, match="bytes, and the card says"):
            read()


def test_of_many_notes_the_first_are_printed_and_the_others_counted() -> None:
    notes = [f"s{i:02d}: no compound with smile (no usable take)" for i in range(59)]
    shown = first_of(notes)
    assert shown[:10] == notes[:10]
    assert shown[10:] == ["and 49 more notes, on the page of `fmdata report`"]
    assert first_of(notes[:10]) == notes[:10]
