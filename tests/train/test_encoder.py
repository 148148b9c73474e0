"""The recipe end to end on drawn faces: it learns, writes, repeats itself, and reloads."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, ModelError, UsageError
from fmdata.train.data import compound_samples
from fmdata.train.encoder import Metrics, frame_features, sample_features, train_encoder
from fmdata.train.loop import Progress
from fmdata.train.motion_encoder import load_encoder
from fmdata.train.settings import EncoderSettings, LandmarkSettings

TINY = EncoderSettings(
    landmarks=LandmarkSettings(size=32, width=0.125, frames=8, epochs=3, steps=4, batch=24),
    embedding=16, layers=1, heads=2, feedforward=32, epochs=3, steps=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(
    drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Metrics, list[Progress]]:
    out, progress = tmp_path_factory.mktemp("runs") / "new" / "encoder", []
    return out, train_encoder(drawn_dataset, out, TINY, progress.append), progress


def test_it_learns_and_measures_on_a_subject_it_has_not_seen(
    trained: tuple[Path, Metrics, list[Progress]],
) -> None:
    _, metrics, _ = trained
    assert (metrics.split.train, metrics.split.validation) == (["a", "b"], ["c"])
    for phase in ("landmarks", "motion"):
        losses = [epoch["loss"] for epoch in metrics.history if epoch["phase"] == phase]
        assert len(losses) == 3
        assert losses[-1] < losses[0]
    # Nine clips, three of each of three motions: 36 pairs, 9 of them positive.
    assert (metrics.scores.n_pairs, metrics.scores.n_positive) == (36, 9)
    assert metrics.scores.chance == pytest.approx(0.25)
    assert metrics.scores.average_precision > 0.5
    assert metrics.history[-1]["average_precision"] == metrics.scores.average_precision


def test_it_writes_numbers_model_and_settings(
    trained: tuple[Path, Metrics, list[Progress]],
) -> None:
    out, metrics, _ = trained
    names = sorted(path.name for path in out.iterdir())
    assert names == ["metrics.json", "model.safetensors", "settings.json"]
    written = json.loads((out / "metrics.json").read_text())
    assert written == json.loads(json.dumps(metrics.to_json()))
    assert written["peak_f1"] == metrics.scores.peak_f1
    assert EncoderSettings.from_json(json.loads((out / "settings.json").read_text())) == TINY


def test_progress_counts_every_phase_to_its_end(
    trained: tuple[Path, Metrics, list[Progress]],
) -> None:
    _, _, progress = trained
    assert list(dict.fromkeys(p.phase for p in progress)) == ["landmarks", "features", "motion"]
    ends = {p.phase: (p.done, p.total) for p in progress}
    assert ends == {"landmarks": (12, 12), "features": (27, 27), "motion": (15, 15)}


def test_the_same_seed_gives_the_same_files_and_leaves_the_callers_chance_alone(
    trained: tuple[Path, Metrics, list[Progress]], drawn_dataset: Path, tmp_path: Path
) -> None:
    out, _, _ = trained
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    train_encoder(drawn_dataset, tmp_path, TINY)
    torch.testing.assert_close(torch.rand(3), expected)
    for name in ("metrics.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


def test_a_loaded_encoder_gives_the_measured_embeddings(
    trained: tuple[Path, Metrics, list[Progress]], drawn_dataset: Path
) -> None:
    """Average precision computed again from the files and the shards is the one in the metrics."""
    from fmdata.train.evaluate import score_embeddings

    out, metrics, _ = trained
    clips = [clip for clip in Dataset(drawn_dataset).actions if clip.subject == "c"]
    model = load_encoder(out)
    embeddings = model.embed(clip.frames() for clip in clips)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    again = score_embeddings(embeddings, ["c"] * len(clips), [clip.action for clip in clips])
    assert again == metrics.scores
    np.testing.assert_array_equal(model.embed([clips[4].frames()])[0], embeddings[4])


def test_compounds_borrow_the_features_of_their_sources(
    drawn_dataset: Path, trained: tuple[Path, Metrics, list[Progress]], tmp_path: Path
) -> None:
    metrics = train_encoder(drawn_dataset, tmp_path, replace(TINY, on="compounds"))
    # Four compounds of two copies: 28 pairs, 4 of them positive.
    assert (metrics.scores.n_pairs, metrics.scores.n_positive) == (28, 4)
    dataset, model = Dataset(drawn_dataset), load_encoder(trained[0])
    sample = compound_samples(dataset)[5]
    features = frame_features(model, dataset, [sample])
    clip = dataset.compounds[sample.key]
    frames = [dataset.actions[s.source].frames(range(s.start, s.stop)) for s in clip.segments]
    torch.testing.assert_close(
        sample_features(sample, features), model.features(np.concatenate(frames)), atol=1e-4, rtol=0
    )


def test_a_single_subject_is_refused_before_anything_is_written(
    single_subject_dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="no subject-disjoint split"):
        train_encoder(single_subject_dataset, tmp_path / "out", TINY)
    assert not (tmp_path / "out").exists()


def test_stale_compounds_are_refused(drawn_dataset: Path, tmp_path: Path) -> None:
    path = shutil.copytree(drawn_dataset, tmp_path / "dataset")
    card = Dataset(path).card
    assert card.compounds is not None
    card.with_compounds(replace(card.compounds, made_from="other actions")).write(path)
    with pytest.raises(DatasetError, match=r"stale(.|\n)*run `fmdata synth-compound`"):
        train_encoder(path, tmp_path / "out", replace(TINY, on="compounds"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_is_refused_before_the_training(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    progress: list[Progress] = []
    with pytest.raises(UsageError, match=r"cannot be written to(.|\n)*--out"):
        train_encoder(drawn_dataset, tmp_path / "file" / "run", TINY, progress.append)
    assert progress == []


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"seed": -1}, "--seed"),
        ({"epochs": 0}, "--epochs"),
        ({"on": "both"}, "--on"),
        ({"rate": float("nan")}, "the encoder's settings"),
        ({"landmarks": {"epochs": -1}}, "the encoder's settings, in `landmarks`"),
        ({"landmarks": {"channels": 2}}, "the encoder's settings, in `landmarks`"),
    ],
)
def test_settings_that_cannot_be_meant(values: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        EncoderSettings.from_json(values)
    assert caught.value.where == where


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(UsageError, match="unknown settings: layer"):
        EncoderSettings.from_json({"layer": 3})
    with pytest.raises(UsageError, match="unknown settings: widht"):
        EncoderSettings.from_json({"landmarks": {"widht": 3}})


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_what_is_no_model_is_said_to_be_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="no encoder could be read"):
        load_encoder(tmp_path)
