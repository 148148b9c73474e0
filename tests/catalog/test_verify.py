"""verify finds what is wrong, and says where; a dataset as it was written has no findings."""

import dataclasses
import os
import random
import shutil
from pathlib import Path

import pytest

from fmdata.catalog.card import Card, FileFacts
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.pack import Planned, pack
from fmdata.catalog.schema import COMPOUND_FACTS
from fmdata.catalog.shards import Sample
from fmdata.catalog.verify import verify


@pytest.fixture
def copy(dataset_path: Path, tmp_path: Path) -> Path:
    """A copy to be damaged; its files are links until one is replaced."""
    path = tmp_path / "dataset"
    shutil.copytree(dataset_path, path, copy_function=os.link)
    return path


def replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_what_was_written_has_no_findings(dataset_path: Path) -> None:
    assert verify(dataset_path) == []


def test_any_changed_byte_of_any_shard_is_found(copy: Path) -> None:
    draw = random.Random(0)
    files = [p for p in sorted(copy.rglob("*")) if p.is_file() and p.name != "fmdata.json"]
    for path in files:
        before = path.read_bytes()
        at = draw.randrange(len(before))
        replace(
            path, before[:at] + bytes([before[at] ^ (1 << draw.randrange(8))]) + before[at + 1 :]
        )
        assert [f.where for f in verify(copy)] == [str(path)]
        replace(path, before)
    assert verify(copy) == []


def test_missing_extra_and_swapped_files_are_found(copy: Path) -> None:
    one, other = copy / "actions/shard-00000.tar", copy / "actions/shard-00001.tar"
    first, second = one.read_bytes(), other.read_bytes()
    replace(one, second)
    replace(other, first)
    assert {f.where for f in verify(copy)} == {str(one), str(other)}
    one.unlink()
    assert "missing" in [f.what for f in verify(copy)]
    replace(other, second)
    one.write_bytes(first)
    (copy / "actions/notes.txt").write_text("mine")
    assert [(f.where, f.what) for f in verify(copy)] == [
        (str(copy / "actions/notes.txt"), "not a file of this dataset")
    ]


def test_a_compound_of_two_subjects_is_found_though_every_digest_is_right(copy: Path) -> None:
    """One segment is made to name a clip of another subject, and the shards are written anew."""
    dataset = Dataset(copy)
    samples = {}
    for clip in dataset.compounds:
        row = clip.facts().cast(COMPOUND_FACTS)
        if not samples:
            values = row.to_pylist()[0]
            stranger = next(c for c in dataset.actions if c.subject != clip.subject)
            values["segments"][2] |= {"source": stranger.key}
            row = type(row).from_pylist([values], COMPOUND_FACTS)
            wrong = clip.key
        samples[clip.key] = Sample(row, clip.avi(), clip.lbp_npy())
    planned = [Planned(c.fold, c.subject, c.key, 1) for c in dataset.compounds]
    shards = pack(copy, "compounds", planned, samples.__getitem__, COMPOUND_FACTS, 10**9)
    part = dataclasses.replace(dataset.card.compounds, shards=shards)
    dataset.card.with_compounds(part).write(copy)
    findings = verify(copy)
    assert len(findings) == 1
    assert wrong in findings[0].what
    assert "another subject" in findings[0].what


def test_a_card_whose_counts_do_not_add_up_is_found(copy: Path) -> None:
    card = Card.read(copy)
    dataclasses.replace(card, recordings=card.recordings + 1).write(copy)
    assert [f.what for f in verify(copy)] == ["37 recordings, but 36 clips and 0 dropped"]


def test_what_an_unfinished_run_left_is_found(copy: Path) -> None:
    (copy / ".work/abc.part").mkdir(parents=True)
    assert [f.what for f in verify(copy)] == ["left by a run that did not end"]


def test_file_facts_are_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    facts = FileFacts.of(tmp_path / "a")
    assert facts.bytes == 3
    assert facts.sha256.startswith("ba7816bf")
