"""verify finds what is wrong, and says where; a dataset as it was written has no findings."""

import dataclasses
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Card, FileFacts
from fmdata.catalog.storage.lock import writing
from fmdata.catalog.storage.pack import Planned, change, commit, pack
from fmdata.catalog.storage.schema import COMPOUND_FACTS
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.verify.dataset import verify


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


def test_any_changed_byte_of_any_file_is_found(made_up: Callable, tmp_path: Path) -> None:
    """Sixty files drawn at random, the card among them, and a byte of each set to another value."""
    path = made_up(tmp_path / "dataset", ["s01", "s02"], dropped=("s01",))
    files = sorted(p for p in path.rglob("*") if p.is_file())
    draw, changed = random.Random(0), Counter()
    for _ in range(60):
        file = draw.choice(files)
        before = file.read_bytes()
        at, byte = draw.randrange(len(before)), draw.randrange(1, 256)
        file.write_bytes(before[:at] + bytes([before[at] ^ byte]) + before[at + 1 :])
        findings = verify(path)
        assert [f.where for f in findings] == [str(file)], (file, at, byte)
        assert findings[0].mend
        file.write_bytes(before)
        changed[file.name] += 1
    assert changed["fmdata.json"] > 1
    assert verify(path) == []


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace('"seed": 0', '"seed":  0', 1),  # a blank more
        lambda text: text + "\n",
        lambda text: text.replace('"seed": 0', '"seed": 1', 1),
        lambda text: text.replace('"seed": 0', '"seed": 1,\n "seed": 0', 1),
        lambda text: text.replace('"dropped": 0', '"dropped": 0.0', 1),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text[: text.rindex('"sha256"')].rstrip(", \n") + "\n}\n",  # without its digest
        lambda text: text[:-40],
        lambda text: "[]",
        lambda text: "",
        lambda text: "[" * 200_000,  # deeper than any reader of JSON goes
    ],
)
def test_a_card_not_as_it_was_written_is_found_and_used_by_nothing(
    copy: Path, changed: Callable[[str], str]
) -> None:
    text = (copy / "fmdata.json").read_text()
    assert changed(text) != text
    replace(copy / "fmdata.json", changed(text).encode())
    findings = verify(copy)
    assert [f.where for f in findings] == [str(copy / "fmdata.json")]
    with pytest.raises(DatasetError, match="card cannot be read"):
        Dataset(copy)


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


def with_first_compound(copy: Path, segment: int, changed: dict) -> list[str]:
    """Change a segment of the first compound, write its shards anew, and verify."""
    dataset = Dataset(copy)
    samples = {}
    for clip in dataset.compounds:
        row = clip.facts().cast(COMPOUND_FACTS)
        if not samples:
            values = row.to_pylist()[0]
            values["segments"][segment] |= changed
            row = type(row).from_pylist([values], COMPOUND_FACTS)
        samples[clip.key] = Sample(row, clip.avi(), clip.lbp_npy())
    planned = [Planned(c.fold, c.subject, c.key, 1) for c in dataset.compounds]
    with change(copy):
        shards = pack(copy, "compounds", planned, samples.__getitem__, COMPOUND_FACTS, 10**9)
        part = dataclasses.replace(dataset.card.compounds, shards=shards)
        commit(copy, dataset.card.with_compounds(part))
    return [finding.what for finding in verify(copy)]


@pytest.mark.parametrize(
    ("segment", "changed", "what"),
    [
        (2, {"source": "stranger"}, "of another subject"),
        (2, {"source": "nobody"}, "which is not there"),
        (0, {"role": "first"}, "not lead, first, second, tail"),
        (3, {"stop": 10**6}, "a segment outside"),
        (1, {"start": 0}, "other frames than its segments'"),
    ],
)
def test_a_wrong_segment_is_found_though_every_digest_is_right(
    copy: Path, segment: int, changed: dict, what: str
) -> None:
    dataset = Dataset(copy)
    first = dataset.compounds[0]
    if changed.get("source") == "stranger":
        changed = {"source": next(c.key for c in dataset.actions if c.subject != first.subject)}
    findings = with_first_compound(copy, segment, changed)
    assert len(findings) == 1
    assert findings[0].startswith(f"{first.key}: ")
    assert what in findings[0]


def test_a_subject_in_another_fold_than_its_name_gives_is_found(copy: Path) -> None:
    card = Card.read(copy)
    dataclasses.replace(card, seed=card.seed + 1).write(copy)
    findings = [f.what for f in verify(copy)]
    assert any("subject s01 in fold 5, wanted" in what for what in findings)


def test_a_card_whose_counts_do_not_add_up_is_found(copy: Path) -> None:
    card = Card.read(copy)
    dataclasses.replace(card, recordings=card.recordings + 1).write(copy)
    assert [f.what for f in verify(copy)] == ["37 recordings, but 36 clips and 0 dropped"]


def test_what_an_unfinished_run_left_is_found(copy: Path) -> None:
    (copy / ".work/abc.part").mkdir(parents=True)
    assert [f.what for f in verify(copy)] == ["left by a run that did not end"]


def test_while_a_command_writes_there_is_no_verdict(
    made_up: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in flight is no damage, whether the command was there before or came meanwhile."""
    path = made_up(tmp_path / "dataset", ["s01"], k=0)
    listed = sorted(path.rglob("*"))
    with writing(path):
        with pytest.raises(DatasetError, match="a command is writing") as told:
            verify(path)
        assert told.value.exit_code == 1
        assert sorted(path.rglob("*")) == listed
    assert verify(path) == []

    whole = Card.read
    with ExitStack() as other:

        def comes_meanwhile(dataset: Path) -> Card:
            other.enter_context(writing(path))
            (path / ".work").mkdir()
            return whole(dataset)

        monkeypatch.setattr(Card, "read", comes_meanwhile)
        with pytest.raises(DatasetError, match="a command is writing"):
            verify(path)
    monkeypatch.undo()
    (path / ".work").mkdir()  # of a dead one
    assert [f.what for f in verify(path)] == ["left by a run that did not end"]


def test_a_work_folder_elsewhere_hides_nothing(copy: Path) -> None:
    (copy / "actions/.work").mkdir()
    (copy / "actions/.work/extra.bin").write_bytes(b"x")
    found = {f.where: f.what for f in verify(copy)}
    assert found[str(copy / "actions/.work/extra.bin")] == "not a file of this dataset"


def test_file_facts_are_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    facts = FileFacts.of(tmp_path / "a")
    assert facts.bytes == 3
    assert facts.sha256.startswith("ba7816bf")
