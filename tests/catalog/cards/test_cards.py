"""A dataset introduces itself: the real readers find its halves and folds, and the words are true.

`datasets` and `mlcroissant` read folders of invented subjects. No test has a network: the Hub's own
checks of the YAML, and the context that `https://schema.org/` serves, are not tried.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import braceexpand
import mlcroissant
import numpy as np
import pytest
import yaml

from fmdata.catalog import Dataset
from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.cards.write import introduce
from fmdata.catalog.errors import UsageError
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.remote.push import push
from fmdata.catalog.storage.place import INTRODUCTION
from fmdata.catalog.verify.dataset import verify
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.command import fmdata
from tests.helpers.datasets import make_up
from tests.helpers.folders import read_files

SUBJECTS = ["annabel", "bertram", "s03"]
STATED = CardSettings(
    license="cc-by-nc-4.0",
    origin="filmed",
    source="Filmed in a laboratory",
    consent="All signed a form for research",
    contact="faces@example.org",
    published="2026-05-31",
    url="https://example.org/faces",
    cite="A paper, 2026",
)
# The fields that NeurIPS 2026 asks of data sets.
NEURIPS = (
    "rai:dataLimitations", "rai:dataBiases", "rai:personalSensitiveInformation",
    "rai:dataUseCases", "rai:dataSocialImpact", "rai:hasSyntheticData", "prov:wasDerivedFrom",
    "prov:wasGeneratedBy",
)  # fmt: skip
# In a process of its own, since `datasets` reads its settings when it is imported.
LOAD = """
import json, sys
from datasets import Video, get_dataset_config_names, load_dataset
folder, cache = sys.argv[1:]
found = {}
for name in get_dataset_config_names(folder):
    splits = load_dataset(folder, name, cache_dir=cache)
    found[name] = {}
    for split, rows in splits.items():
        rows = rows.cast_column("avi", Video(decode=False))
        found[name][split] = [
            [row["__key__"], len(row["avi"]["bytes"]), len(row["lbp.npy"]), row["json"]["fold"],
             row["json"]["n_frames"]] for row in rows
        ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset with an introduction; read only."""
    path = make_up(tmp_path_factory.mktemp("made") / "dataset", SUBJECTS, dropped=["s04"], k=2)
    introduce(path, STATED)
    return path


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dataset"))


def head(dataset: Path) -> dict[str, Any]:
    """Return the YAML of README.md."""
    found: dict[str, Any] = yaml.safe_load((dataset / "README.md").read_text().split("---\n")[1])
    return found


def introduction(dataset: Path) -> dict[str, bytes]:
    return {name: (dataset / name).read_bytes() for name in INTRODUCTION}


def loaded(folder: Path, cache: Path) -> dict[str, dict[str, list[Any]]]:
    """Return what `datasets` reads in a folder: rows by configuration and split."""
    offline = {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(cache),
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), str(cache)],
        env=os.environ | offline, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found: dict[str, dict[str, list[Any]]] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_the_hubs_reader_finds_both_halves_with_the_folds_as_splits(
    made: Path, tmp_path: Path
) -> None:
    """Every clip comes once, in the split of its fold, with its video and its maps."""
    found = loaded(made, tmp_path)
    for name, clips in (("actions", Dataset(made).actions), ("compounds", Dataset(made).compounds)):
        rows = [row for split in found[name].values() for row in split]
        wanted = [
            [clip.key, len(clip.avi()), clip.n_frames, clip.row["fold"], clip.n_frames]
            for clip in clips
        ]
        assert sorted(rows) == sorted(wanted)
        for split, of_split in found[name].items():
            assert {f"fold_{row[3]}" for row in of_split} == {split}
    assert sorted(found) == ["actions", "compounds"]


def test_columns_that_are_null_in_the_first_clips_keep_their_type(made: Path) -> None:
    """`datasets` would infer a type of nothing from five clips; the head has the types."""
    features = {one["config_name"]: one["features"] for one in head(made)["dataset_info"]}
    facts = next(one for one in features["actions"] if one["name"] == "json")["struct"]
    types = {one["name"]: one["dtype"] for one in facts}
    assert types["given_onset"] == "int32"
    assert types["review"] == "string"
    first = next(iter(Dataset(made).actions))
    with first.tar.open("rb") as file:
        file.seek(first.row["json_offset"])
        member = json.loads(file.read(first.row["json_size"]))
    assert list(member) == list(types)


def test_the_head_states_what_the_owner_states_and_gates_the_faces(made: Path) -> None:
    stated = head(made)
    assert stated["license"] == "cc-by-nc-4.0"
    assert STATED.consent in stated["extra_gated_prompt"]
    assert stated["size_categories"] == ["n<1K"]
    assert stated["task_categories"] == ["video-classification"]


def test_mlcroissant_finds_no_error_and_reads_both_halves(made: Path) -> None:
    """With all that the owner may state it has no warning either."""
    found = mlcroissant.Dataset(made / "croissant.json")
    assert not found.metadata.ctx.issues.errors
    assert not found.metadata.ctx.issues.warnings
    assert found.metadata.ctx.is_v1_1()
    for name, clips in (("actions", Dataset(made).actions), ("compounds", Dataset(made).compounds)):
        keys = [row[f"{name}/key"].decode() for row in found.records(name)]
        assert keys == clips.keys


def test_croissant_answers_all_that_neurips_asks(made: Path) -> None:
    document = json.loads((made / "croissant.json").read_text())
    assert all(document[name] not in ("", [], None) for name in NEURIPS)
    assert document["rai:hasSyntheticData"] is True  # compounds are spliced by a program
    measured = [text for text in document["rai:dataLimitations"] if text.startswith("Measured")]
    assert any("Dark face" in text for text in measured)
    assert any(STATED.consent in text for text in document["rai:personalSensitiveInformation"])


def test_filmed_recordings_without_compounds_are_not_synthetic(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", SUBJECTS, k=0)
    introduce(path, STATED)
    assert json.loads((path / "croissant.json").read_text())["rai:hasSyntheticData"] is False


def test_the_digests_of_croissant_are_those_of_the_files(made: Path) -> None:
    found = mlcroissant.Dataset(made / "croissant.json")
    for one in found.metadata.file_objects:
        run = subprocess.run(["sha256sum", made / one.content_url], capture_output=True, check=True)
        assert run.stdout.split()[0].decode() == one.sha256


def test_energons_parts_are_the_folds_and_all_but_a_fold(made: Path) -> None:
    """Its patterns, expanded as energon does, name each tar once; a part has counts of all."""
    meta = made / ".nv-meta"
    parts = yaml.safe_load((meta / "split.yaml").read_text())["split_parts"]
    counts = yaml.safe_load((meta / ".info.yaml").read_text())["shard_counts"]
    tars = {f"{p.parent.name}/{p.name}" for p in made.rglob("*.tar")}
    assert set(counts) == tars
    assert sum(counts.values()) == sum(len(half) for half in Dataset(made).halves)
    named = {
        part: [name for pattern in patterns for name in braceexpand.braceexpand(pattern)]
        for part, patterns in parts.items()
    }
    for half in ("actions", "compounds"):
        every = {name for name in tars if name.startswith(half)}
        folds = [part for part in named if part.startswith(f"{half}_fold_")]
        assert sorted(name for part in folds for name in named[part]) == sorted(every)
        for part in folds:
            rest = named[part.replace("_fold_", "_without_fold_")]
            assert set(rest) == every - set(named[part])


def test_the_introduction_is_the_same_in_any_folder_and_names_nobody(
    made: Path, tmp_path: Path
) -> None:
    other = make_up(tmp_path / "elsewhere", SUBJECTS[::-1], dropped=["s04"], k=2)
    introduce(other, STATED)
    assert introduction(other) == introduction(made)
    for content in introduction(made).values():
        text = content.decode()
        assert "annabel" not in text
        assert "bertram" not in text
        assert str(made.parent) not in text


def test_verify_knows_the_files_and_no_others(dataset: Path) -> None:
    assert verify(dataset) == []
    (dataset / "README.md").write_text("mine")
    (dataset / ".nv-meta/index.sqlite").write_text("energon's")
    assert sorted(Path(finding.where).name for finding in verify(dataset)) == [
        "README.md", "index.sqlite",
    ]  # fmt: skip


def test_a_change_removes_the_introduction_and_the_statements_survive(dataset: Path) -> None:
    synth_compounds(dataset, CompoundSettings(k=1, shard_mb=1))
    assert not any((dataset / name).exists() for name in (*INTRODUCTION, ".nv-meta"))
    introduce(dataset)
    assert head(dataset)["license"] == STATED.license
    assert Dataset(dataset).card.stated == {k: v for k, v in STATED.to_json().items() if v}


def test_forget_leaves_the_introduction_of_a_dataset_without_the_subject(
    dataset: Path, tmp_path: Path
) -> None:
    assert forget(dataset, "bertram").left == []
    introduce(dataset)
    other = make_up(tmp_path / "without", ["annabel", "s03"], dropped=["s04"], k=2)
    introduce(other, STATED)
    assert read_files(dataset) == read_files(other)


def test_forget_finds_the_subject_in_a_statement(dataset: Path) -> None:
    introduce(dataset, CardSettings(contact="Bertram at the door"))
    assert [Path(one.where).name for one in forget(dataset, "bertram").left] == ["fmdata.json"]


def test_virtual_compounds_have_no_configuration_and_the_page_says_so(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", SUBJECTS, k=0)
    synth_compounds(path, CompoundSettings(k=1, virtual=True))
    introduce(path, STATED)
    assert [one["config_name"] for one in head(path)["configs"]] == ["actions"]
    assert "The compounds are virtual" in (path / "README.md").read_text()
    found = mlcroissant.Dataset(path / "croissant.json")
    assert len(list(found.records("compounds"))) == len(Dataset(path).compounds)
    assert sorted(loaded(path, tmp_path / "cache")) == ["actions"]


def test_files_of_others_with_these_names_stay(dataset: Path) -> None:
    (dataset / "README.md").write_text("mine")
    shutil.rmtree(dataset / ".nv-meta")
    (dataset / ".nv-meta").write_text("mine too")
    introduced = introduce(dataset, CardSettings(license="mit"))
    assert "README.md" in str(introduced)
    assert (dataset / "README.md").read_text() == "mine"
    assert (dataset / ".nv-meta").read_text() == "mine too"
    assert "licenses/MIT" in (dataset / "croissant.json").read_text()
    written = (dataset / "croissant.json").stat().st_mtime_ns
    introduce(dataset)
    assert (dataset / "croissant.json").stat().st_mtime_ns == written


def test_a_statement_is_taken_back_by_a_dash_and_then_missing_in_words(dataset: Path) -> None:
    introduced = introduce(dataset, CardSettings(license="-", consent="-", origin="-"))
    assert introduced.missing == ["--license", "--origin", "--consent"]
    assert "license" not in head(dataset)
    page = (dataset / "README.md").read_text()
    assert "No license is stated" in page
    assert "does not state what the people in it have consented to" in page


def test_a_license_without_a_name_on_the_hub_is_other(dataset: Path) -> None:
    own = CardSettings(license="Our Lab: research only", license_link="https://example.org/l")
    introduce(dataset, own)
    assert head(dataset)["license"] == "other"
    assert head(dataset)["license_name"] == "our-lab-research-only"
    assert head(dataset)["license_link"] == "https://example.org/l"


@pytest.mark.parametrize(
    "statement",
    [
        {"published": "yesterday"}, {"url": "javascript:alert(1)"}, {"origin": "drawn"},
        {"consent": "two\nlines"}, {"contact": "x" * 3000}, {"name": "\x1b[31m"},
    ],
)  # fmt: skip
def test_a_statement_of_a_wrong_form_is_refused(statement: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        CardSettings(**statement)


def test_no_statement_escapes_from_its_place(dataset: Path) -> None:
    """Not from the YAML, whose keys are the Hub's alone, nor into HTML or a heading."""
    odd = "--- license: mit # <script>alert(1)</script> [x](javascript:1)"
    before = set(head(dataset))
    introduce(dataset, CardSettings(name=odd, source=odd, consent=odd))
    assert (
        yaml.safe_load((dataset / "README.md").read_text().split("\n---\n")[0])["pretty_name"]
        == odd
    )
    assert "<script>" not in (dataset / "README.md").read_text().split("\n---\n", 1)[1]
    page = (dataset / "README.md").read_text().split("\n---\n")[0]
    assert set(yaml.safe_load(page)) == before
    assert not mlcroissant.Dataset(dataset / "croissant.json").metadata.ctx.issues.errors


def test_a_second_writing_of_the_same_writes_nothing(dataset: Path) -> None:
    before = {name: (dataset / name).stat().st_mtime_ns for name in INTRODUCTION}
    introduce(dataset, STATED)
    introduce(dataset)
    assert {name: (dataset / name).stat().st_mtime_ns for name in INTRODUCTION} == before


def test_the_numbers_of_the_page_are_those_of_the_clips(made: Path) -> None:
    frames = np.array([clip.n_frames for clip in Dataset(made).compounds])
    low, middle, high = frames.min(), np.median(frames), frames.max()
    row = f"| `n_frames` | {len(frames)} | {low:.4g} | {middle:.4g} | {high:.4g} |"
    assert row in (made / "README.md").read_text()


def test_a_dataset_that_is_pulled_is_introduced(dataset: Path, tmp_path: Path) -> None:
    push(dataset, (tmp_path / "copy").as_uri())
    pulled = tmp_path / "pulled" / dataset.name  # which is the title
    pulled.parent.mkdir()
    run = fmdata("pull", (tmp_path / "copy").as_uri(), pulled, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert introduction(pulled) == introduction(dataset)


def test_the_commands_introduce_the_dataset(tmp_path: Path) -> None:
    """`synth-compound` does so at its end, and `card` with what it is given."""
    path = make_up(tmp_path / "dataset", SUBJECTS, k=0)
    for arguments in (
        ("synth-compound", path, "--k", 1, "--workers", 0),
        ("card", path, "--license", "cc0-1.0", "--origin", "simulated"),
    ):
        run = fmdata(*arguments, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert (path / "README.md").exists()
    assert "not stated: --source, --consent, --contact" in run.stdout
    assert head(path)["license"] == "cc0-1.0"
