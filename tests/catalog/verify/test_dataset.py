"""`verify` reports each problem and its place; an unchanged dataset has no findings."""

import dataclasses
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Card, FileFacts
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.storage.lock import writing
from fmdata.catalog.storage.pack import change, commit, pack
from fmdata.catalog.storage.schema import COMPOUND_COLUMNS, COMPOUND_FACTS
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.verify.dataset import verify
from tests.helpers.datasets import make_up


@pytest.fixture
def copy(dataset_path: Path, tmp_path: Path) -> Path:
    """Copy the dataset, to damage it. Its files are hard links: replace, never modify them."""
    path = tmp_path / "dataset"
    shutil.copytree(dataset_path, path, copy_function=os.link)
    return path


def replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_an_unchanged_dataset_has_no_findings(dataset_path: Path) -> None:
    assert verify(dataset_path) == []


def test_any_changed_byte_of_any_file_is_found(tmp_path: Path) -> None:
    """One random byte changed in each of sixty random files, the card among them."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], dropped=("s01",))
    files = sorted(p for p in path.rglob("*") if p.is_file())
    draw, changed = random.Random(0), Counter()
    for _ in range(60):
        file = draw.choice(files)
        before = file.read_bytes()
        at, byte = draw.randrange(len(before)), draw.randrange(1, 256)
        file.write_bytes(before[:at] + bytes([before[at] ^ byte]) + before[at + 1 :])
        findings = verify(path)
        assert [f.where for f in findings] == [str(file)], (file, at, byte)
        assert findings[0].todo
        file.write_bytes(before)
        changed[file.name] += 1
    assert changed["fmdata.json"] > 1
    assert verify(path) == []


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace('"seed": 0', '"seed":  0', 1),  # an extra blank
        lambda text: text + "\n",
        lambda text: text.replace('"seed": 0', '"seed": 1', 1),
        lambda text: text.replace('"seed": 0', '"seed": 1,\n "seed": 0', 1),
        lambda text: text.replace('"dropped": 0', '"dropped": 0.0', 1),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text[: text.rindex('"sha256"')].rstrip(", \n") + "\n}\n",  # without its digest
        lambda text: text[:-40],
        lambda text: "[]",
        lambda text: "",
        lambda text: "[" * 200_000,  # deeper than JSON parsers can recurse
    ],
)
def test_a_changed_card_is_found_and_refused(copy: Path, changed: Callable[[str], str]) -> None:
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
    assert "missing" in [f.problem for f in verify(copy)]
    replace(other, second)
    one.write_bytes(first)
    (copy / "actions/notes.txt").write_text("mine")
    assert [(f.where, f.problem) for f in verify(copy)] == [
        (str(copy / "actions/notes.txt"), "not a file of this dataset")
    ]


def with_first_compound(copy: Path, segment: int, changed: dict) -> list[str]:
    """Change a segment of the first compound, rewrite the shards, and return verify's problems."""
    dataset = Dataset(copy)
    samples = {}
    for clip in dataset.compounds:
        row = clip.facts()
        if not samples:
            values = row.to_pylist()[0]
            values["segments"][segment] |= changed
            row = type(row).from_pylist([values], COMPOUND_FACTS)
        frames = [clip.frames_table(COMPOUND_COLUMNS.frame_facts.names)]
        samples[clip.key] = Sample(row, frames, clip.avi(), clip.lbp_npy())
    planned = [Planned(c.fold, c.subject, c.key, 1) for c in dataset.compounds]
    with change(copy):
        shards = pack(copy, "compounds", planned, samples.__getitem__, COMPOUND_COLUMNS, 10**9)
        part = dataclasses.replace(dataset.card.compounds, shards=shards)
        commit(copy, dataset.card.with_compounds(part))
    return [finding.problem for finding in verify(copy)]


@pytest.mark.parametrize(
    ("segment", "changed", "problem"),
    [
        (2, {"source": "stranger"}, "of another subject"),
        (2, {"source": "nobody"}, "which is missing"),
        (0, {"role": "first"}, "not lead, first, second, tail"),
        (3, {"stop": 10**6}, "a segment outside"),
        (1, {"start": 0}, "other frames than its segments'"),
    ],
)
def test_a_wrong_segment_is_found_in_files_with_correct_digests(
    copy: Path, segment: int, changed: dict, problem: str
) -> None:
    dataset = Dataset(copy)
    first = dataset.compounds[0]
    if changed.get("source") == "stranger":
        changed = {"source": next(c.key for c in dataset.actions if c.subject != first.subject)}
    findings = with_first_compound(copy, segment, changed)
    assert len(findings) == 1
    assert findings[0].startswith(f"{first.key}: ")
    assert problem in findings[0]


def test_a_subject_in_the_wrong_fold_is_found(copy: Path) -> None:
    card = Card.read(copy)
    dataclasses.replace(card, seed=card.seed + 1).write(copy)
    findings = [f.problem for f in verify(copy)]
    assert any("subject s01 in fold 5, wanted" in problem for problem in findings)


def test_a_card_with_inconsistent_counts_is_found(copy: Path) -> None:
    card = Card.read(copy)
    dataclasses.replace(card, recordings=card.recordings + 1).write(copy)
    assert [f.problem for f in verify(copy)] == ["37 recordings, but 36 clips and 0 dropped"]


def test_files_of_an_unfinished_run_are_found(copy: Path) -> None:
    (copy / ".work/abc.part").mkdir(parents=True)
    assert [f.problem for f in verify(copy)] == ["left by an unfinished run"]


def test_verify_is_refused_while_a_command_writes(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    with writing(path):
        listed = sorted(path.rglob("*"))
        with pytest.raises(DatasetError, match="a command is writing") as caught:
            verify(path)
        assert caught.value.exit_code == 1
        assert sorted(path.rglob("*")) == listed
    assert verify(path) == []
    (path / ".work").mkdir()  # left by a crashed command
    assert [f.problem for f in verify(path)] == ["left by an unfinished run"]


def test_a_change_during_the_check_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dataset is in a folder that cannot be locked, and another machine writes to it."""
    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    other = make_up(tmp_path / "other", ["s02"], k=0)
    read = Card.read

    def read_before_a_change(dataset: Path) -> Card:
        card = read(dataset)
        for name in ("actions/shard-00000.tar", "fmdata.json"):
            shutil.copy(other / name, path / name)
        return card

    monkeypatch.setattr(Card, "read", read_before_a_change)
    with pytest.raises(DatasetError, match="changed while it was checked"):
        verify(path)


def test_a_work_folder_in_another_place_hides_no_file(copy: Path) -> None:
    (copy / "actions/.work").mkdir()
    (copy / "actions/.work/extra.bin").write_bytes(b"x")
    found = {f.where: f.problem for f in verify(copy)}
    assert found[str(copy / "actions/.work/extra.bin")] == "not a file of this dataset"


def test_file_facts_are_size_and_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    facts = FileFacts.of(tmp_path / "a")
    assert facts.bytes == 3
    assert facts.sha256.startswith("ba7816bf")
