"""The folder of a run: its files, exact resumption, refusals, and evaluation."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, ModelError, UsageError
from fmdata.catalog.storage.lock import writing
from fmdata.train.checkpoint import Checkpoint, pack_tensors
from fmdata.train.keeper import FolderKeeper, identity_of
from fmdata.train.model_file import load, save
from fmdata.train.networks.sequence import SequenceShape
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings
from fmdata.train.recipes.rrl import RrlSettings
from fmdata.train.run import cross_validate, evaluate, train
from tests.helpers.training import RecordedTraining

pytestmark = pytest.mark.slow

TINY = EncoderSettings(
    landmarks=ExtractorSettings(size=32, width=0.125, frames=4, epochs=2, steps=2, batch=16),
    sequence=SequenceShape(embedding=8, layers=1, heads=2, feedforward=16),
    epochs=2,
    steps=2,
)
FILES = {"metrics.json", "settings.json", "model.safetensors", "checkpoint.safetensors"}


@pytest.fixture(scope="module")
def finished(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train("encoder", drawn_dataset, out, TINY)
    return out


def test_a_run_writes_numbers_curves_model_and_settings(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    features = {name for name in names if name.startswith("features-")}
    assert len(features) == 1
    assert names >= FILES | {"curves.png"}
    written = json.loads((finished / "metrics.json").read_text())
    assert written["finished"] is True
    assert [e["phase"] for e in written["history"]] == ["landmarks"] * 2 + ["motion"] * 2
    assert written["average_precision"] == written["history"][-1]["average_precision"]
    assert written["split"] == {"train": ["a", "b"], "validation": ["c"]}
    assert EncoderSettings.from_json(json.loads((finished / "settings.json").read_text())) == TINY


@pytest.mark.parametrize("step", [2, 20, 34])
def test_a_resumed_run_ends_with_the_files_of_an_uninterrupted_one(
    finished: Path, drawn_dataset: Path, tmp_path: Path, step: int
) -> None:
    """Killed in either phase or during the computation of features, then started again."""
    with pytest.raises(KeyboardInterrupt):
        train("encoder", drawn_dataset, tmp_path, TINY, RecordedTraining(interrupt_at=step))
    train("encoder", drawn_dataset, tmp_path, TINY)
    for name in FILES - {"checkpoint.safetensors"}:
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_finished_run_is_not_trained_again(finished: Path, drawn_dataset: Path) -> None:
    progress = RecordedTraining()
    before = (finished / "model.safetensors").read_bytes()
    train("encoder", drawn_dataset, finished, TINY, progress)
    assert not {"train: landmarks", "train: motion"} & set(progress.counts)
    assert (finished / "model.safetensors").read_bytes() == before


def test_the_folder_of_another_run_is_refused_and_unchanged(
    finished: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    with pytest.raises(UsageError, match=r"another run: other settings(.|\n)*--out"):
        train("encoder", drawn_dataset, finished, replace(TINY, seed=1))
    other = shutil.copytree(drawn_dataset, tmp_path / "other")
    card = Dataset(other).card
    assert card.compounds is not None
    shards = card.compounds.shards
    changed = [replace(shards[0], tar=replace(shards[0].tar, sha256="0" * 64)), *shards[1:]]
    card.with_compounds(replace(card.compounds, shards=changed)).write(other)
    with pytest.raises(UsageError, match="another run: other dataset"):
        train("encoder", other, finished, TINY)
    assert before == {path.name: path.read_bytes() for path in finished.iterdir()}


def test_a_run_with_other_labels_of_action_units_is_another_run(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """The labels are a file beside the dataset, so its digests do not know them."""
    labels, data = tmp_path / "labels.parquet", Dataset(drawn_dataset)
    labels.write_bytes(b"one")
    settings = RrlSettings(truth=str(labels))
    run = identity_of("rrl", data, settings)
    FolderKeeper(tmp_path / "run", run).save(
        Checkpoint([], "probe", 0, [], {}, {"state": {}, "param_groups": []})
    )
    assert FolderKeeper(tmp_path / "run", identity_of("rrl", data, settings)).load() is not None
    labels.write_bytes(b"two")
    with pytest.raises(UsageError, match="another run: other truth"):
        FolderKeeper(tmp_path / "run", identity_of("rrl", data, settings)).load()


def test_stale_compounds_are_refused(drawn_dataset: Path, tmp_path: Path) -> None:
    path = shutil.copytree(drawn_dataset, tmp_path / "dataset")
    card = Dataset(path).card
    assert card.compounds is not None
    card.with_compounds(replace(card.compounds, made_from="other actions")).write(path)
    with pytest.raises(DatasetError, match=r"stale(.|\n)*run `fmdata synth-compound`"):
        train("encoder", path, tmp_path / "out", replace(TINY, on="compounds"))


def test_an_unusable_folder_is_refused_before_the_training(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    progress = RecordedTraining()
    with pytest.raises(UsageError, match=r"cannot be written to(.|\n)*--out"):
        train("encoder", drawn_dataset, tmp_path / "file" / "run", TINY, progress)
    assert progress.phases == []


def test_one_fold_can_be_held_out(drawn_dataset: Path, tmp_path: Path) -> None:
    folds = Dataset(drawn_dataset).actions.table(["subject", "fold"]).to_pylist()
    fold = next(row["fold"] for row in folds if row["subject"] == "a")
    report = train("encoder", drawn_dataset, tmp_path / "run", replace(TINY, hold_out=fold))
    assert report.split.validation == ["a"]
    empty = next(fold for fold in range(10) if fold not in {row["fold"] for row in folds})
    with pytest.raises(DatasetError, match=f"by fold {empty}"):
        train("encoder", drawn_dataset, tmp_path / "none", replace(TINY, hold_out=empty))


def test_an_evaluation_gives_the_numbers_of_the_run_and_figures(
    finished: Path, drawn_dataset: Path
) -> None:
    evaluation = evaluate(finished, drawn_dataset).evaluation
    metrics = json.loads((finished / "metrics.json").read_text())
    written = json.loads((finished / "evaluation.json").read_text())
    assert written["subjects"] == ["c"]
    for name, value in evaluation.numbers.items():
        assert metrics.get(name, value) == written[name] == value
    # 54 impostors of the two training subjects are too few to choose a threshold.
    assert {"eer", "calibration_error"} <= evaluation.numbers.keys()
    assert not {"threshold", "frr_at_far_1"} & evaluation.numbers.keys()
    groups = written["verification"]["groups"]
    assert groups["same person, other motion"]["genuine"] == metrics["n_positive"]
    pictures = "precision_recall", "tsne", "curves", "roc", "det", "calibration"
    for name in (f"{picture}.png" for picture in pictures):
        assert (finished / name).read_bytes().startswith(b"\x89PNG")


def test_results_print_aligned_numbers_and_their_files(finished: Path, drawn_dataset: Path) -> None:
    report = train("encoder", drawn_dataset, finished, TINY)
    lines = str(report).splitlines()
    precision = report.evaluation.numbers["average_precision"]
    assert lines[0] == "encoder, on held-out subjects"
    assert lines[1] == f"  average precision  {precision:.3f}"
    assert "  n pairs            36" in lines
    assert lines[-1] == f"  run folder         {finished}"

    measured = str(evaluate(finished, drawn_dataset)).splitlines()
    assert measured[0] == f"{finished}, on unseen subjects"
    assert measured[1 : len(lines) - 1] == lines[1:-1]
    files = next(line for line in measured if line.startswith("  figures"))
    assert "precision_recall.png, roc.png, tsne.png" in files
    assert f"  numbers            {finished / 'evaluation.json'}" in measured
    title = measured.index("impostors, and their FAR at thresholds of training subjects")
    assert measured[title + 1].startswith("  same person, other motion")


def test_an_evaluation_uses_no_training_subject(
    finished: Path, single_subject_dataset: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    evaluation = evaluate(finished, single_subject_dataset).evaluation  # "alone" is unseen
    assert evaluation.embeddings is not None
    assert set(evaluation.embeddings.subjects) == {"alone"}
    recipe = load(finished)
    save("encoder", recipe, tmp_path, Dataset(drawn_dataset), ["a", "b", "c"])
    with pytest.raises(DatasetError, match="every subject of the dataset, by name, was trained"):
        evaluate(tmp_path, drawn_dataset)


def test_every_fold_is_held_out_once(drawn_dataset: Path, tmp_path: Path) -> None:
    """Three folds with a subject each: three runs, and the means of their numbers."""
    short = replace(TINY, epochs=1, landmarks=replace(TINY.landmarks, epochs=1))
    result = cross_validate("encoder", drawn_dataset, tmp_path, short)
    numbers = result.numbers
    runs = [json.loads((path / "metrics.json").read_text()) for path in tmp_path.glob("fold-*")]
    assert sorted(run["split"]["validation"] for run in runs) == [["a"], ["b"], ["c"]]
    mean = sum(run["average_precision"] for run in runs) / 3
    assert numbers["average_precision"] == pytest.approx(mean)
    assert numbers["average_precision_spread"] > 0
    assert sorted(result.folds) == [1, 4, 7]
    lines = str(result).splitlines()
    assert lines[0] == "encoder, on held-out subjects, 3 folds"
    assert f"{mean:.3f}" in next(line for line in lines if "average precision " in line)
    assert json.loads((tmp_path / "metrics.json").read_text())[
        "average_precision"
    ] == pytest.approx(mean)


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_missing_or_damaged_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"nothing could be read(.|\n)*`fmdata train`"):
        load(tmp_path)


def test_the_callers_random_state_is_restored(drawn_dataset: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    train("encoder", drawn_dataset, tmp_path, TINY)
    torch.testing.assert_close(torch.rand(3), expected)


def test_no_command_writes_to_a_dataset_that_is_trained_on(
    finished: Path, drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor to one that is evaluated; and neither begins while a command writes."""

    def require_held(*_: object) -> None:
        with pytest.raises(UsageError, match="a command is reading"), writing(drawn_dataset):
            pass
        raise InterruptedError

    with writing(drawn_dataset):
        for command in (
            lambda: train("encoder", drawn_dataset, tmp_path, TINY),
            lambda: evaluate(finished, drawn_dataset),
        ):
            with pytest.raises(DatasetError, match="a command is writing"):
                command()
    monkeypatch.setattr("fmdata.train.run.fit", require_held)
    with pytest.raises(InterruptedError):
        train("encoder", drawn_dataset, tmp_path, TINY)
    monkeypatch.setattr("fmdata.train.run.load", require_held)
    with pytest.raises(InterruptedError):
        evaluate(finished, drawn_dataset)


@pytest.mark.parametrize(
    "name", ["metrics.json", "settings.json", "model.safetensors", "curves.png"]
)
def test_a_folder_with_files_of_somebody_else_is_refused(
    drawn_dataset: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="not one of a run"):
        train("encoder", drawn_dataset, tmp_path, TINY)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_a_run_begins_with_given_weights_and_resumes_with_no_others(
    finished: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    """At a rate of nearly zero the extractor stays as it was given; its file is the run's."""
    given = tmp_path / "given.safetensors"
    shutil.copy(finished / "model.safetensors", given)
    still = replace(TINY.landmarks, rate=1e-12, weight_decay=0.0)
    settings = replace(TINY, init=str(given), landmarks=still, seed=7)
    train("encoder", drawn_dataset, tmp_path / "run", settings)
    theirs, ours = load(finished).model.state_dict(), load(tmp_path / "run").model.state_dict()
    name = "landmarks.extractor.trunk.0.0.weight"
    assert torch.allclose(ours[name], theirs[name], atol=1e-6)
    train("encoder", drawn_dataset, tmp_path / "run", settings)  # the same run
    given.write_bytes(pack_tensors({n: t.float() + 1 for n, t in theirs.items()}, {}))
    with pytest.raises(UsageError, match="another run: other init"):
        train("encoder", drawn_dataset, tmp_path / "run", settings)


def test_a_run_with_weights_of_another_network_is_refused(
    finished: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    wider = replace(TINY, sequence=replace(TINY.sequence, embedding=12))
    settings = replace(wider, init=str(finished / "model.safetensors"))
    with pytest.raises(ModelError, match=r"(?s)sequence\.projection\.weight, \[8, 64\] for"):
        train("encoder", drawn_dataset, tmp_path / "run", settings)
