"""The 2022 encoder end to end on drawn faces: training, evaluation, features, extractors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, ModelError
from fmdata.train.data import compound_samples
from fmdata.train.features import features_of, sample_features
from fmdata.train.model_file import load
from fmdata.train.networks.sequence import SequenceShape
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.encoder import Encoder, EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, LandmarkSettings
from fmdata.train.run import Report, train
from fmdata.train.split import Split
from fmdata.train.verification.measure import choose_operating
from fmdata.train.verification.operating import Operating
from tests.helpers.training import RecordedTraining

pytestmark = pytest.mark.slow

TINY = EncoderSettings(
    landmarks=ExtractorSettings(size=32, width=0.125, frames=8, epochs=3, steps=4, batch=24),
    sequence=SequenceShape(embedding=16, layers=1, heads=2, feedforward=32),
    epochs=3,
    steps=5,
)


@pytest.fixture(scope="module")
def trained(
    drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Report, RecordedTraining]:
    out, progress = tmp_path_factory.mktemp("runs") / "new" / "encoder", RecordedTraining()
    return out, train("encoder", drawn_dataset, out, TINY, progress), progress


def test_losses_fall_and_motions_of_an_unseen_subject_are_verified(
    trained: tuple[Path, Report, RecordedTraining],
) -> None:
    _, report, _ = trained
    assert (report.split.train, report.split.validation) == (["a", "b"], ["c"])
    for phase in ("landmarks", "motion"):
        losses = [epoch["loss"] for epoch in report.history if epoch["phase"] == phase]
        assert len(losses) == 3
        assert losses[-1] < losses[0]
    # Nine clips, three of each of three motions: 36 pairs, 9 of them positive.
    numbers = report.evaluation.numbers
    assert (numbers["n_pairs"], numbers["n_positive"]) == (36, 9)
    assert numbers["chance"] == pytest.approx(0.25)
    assert numbers["average_precision"] > 0.5
    assert report.history[-1]["average_precision"] == numbers["average_precision"]


def test_progress_counts_every_phase_to_its_end(
    trained: tuple[Path, Report, RecordedTraining],
) -> None:
    _, _, progress = trained
    assert progress.phases == [
        ("train: landmarks", 12, "steps"),
        ("train: features", 27, "clips"),
        ("train: motion", 15, "steps"),
    ]
    assert [counts[-1] for counts in progress.counts.values()] == [12, 27, 15]


def test_a_loaded_encoder_gives_the_measured_embeddings(
    trained: tuple[Path, Report, RecordedTraining], drawn_dataset: Path
) -> None:
    """Embeddings computed from the model file and the shards equal the measured ones."""
    out, report, _ = trained
    recipe = load(out)
    assert isinstance(recipe, Encoder)
    clips = [clip for clip in Dataset(drawn_dataset).actions if clip.subject == "c"]
    embeddings = recipe.embed(clip.frames() for clip in clips)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert report.evaluation.embeddings is not None
    np.testing.assert_array_equal(embeddings, report.evaluation.embeddings.vectors)
    np.testing.assert_array_equal(recipe.embed([clips[4].frames()])[0], embeddings[4])


def test_some_motions_are_trained_on_and_others_measured(drawn_dataset: Path) -> None:
    """2022, Table 2: the test data of a row need not be its training data."""
    data = Dataset(drawn_dataset)
    material = Material(data, Split(["a", "b"], ["c"]))
    recipe = Encoder(replace(TINY, train_on="brows, s*", measure_on="mouth,smile"), [])
    train_, held = recipe._samples(material)
    assert {(s.subject, s.label) for s in train_} == {
        (subject, label) for subject in "ab" for label in ("brows", "smile")
    }
    assert {(s.subject, s.label) for s in held} == {("c", "mouth"), ("c", "smile")}
    # Six clips of two motions: 15 pairs, 6 of them positive.
    numbers = recipe.evaluate(data, ["c"]).numbers
    assert (numbers["n_pairs"], numbers["n_positive"]) == (15, 6)


def test_motions_that_no_clip_shows_are_refused(drawn_dataset: Path) -> None:
    recipe = Encoder(replace(TINY, measure_on="word_*"), [])
    with pytest.raises(DatasetError, match="no motion was recorded twice"):
        recipe.evaluate(Dataset(drawn_dataset), ["c"])


def test_no_threshold_is_chosen_where_no_training_subject_shows_a_measured_motion_twice(
    drawn_dataset: Path,
) -> None:
    """A model that is trained is saved without thresholds; it is not lost."""
    data, split = Dataset(drawn_dataset), Split(["a", "b"], ["c"])
    recipe = Encoder(replace(TINY, measure_on="word_*"), [])
    recipe.model.eval()
    assert choose_operating(recipe, data, split) == Operating()
    recipe = Encoder(TINY, [])
    recipe.model.eval()
    assert choose_operating(recipe, data, split).calibration is not None


def test_compounds_share_the_features_of_their_sources(
    drawn_dataset: Path, trained: tuple[Path, Report, RecordedTraining], tmp_path: Path
) -> None:
    report = train("encoder", drawn_dataset, tmp_path, replace(TINY, on="compounds"))
    # Four compounds of two copies: 28 pairs, 4 of them positive. The two copies of an action with
    # itself share a take, so two positive pairs are left out.
    numbers = report.evaluation.numbers
    counts = tuple(numbers[name] for name in ("n_pairs", "n_positive", "n_left_out"))
    assert counts == (26, 2, 2)
    dataset, recipe = Dataset(drawn_dataset), load(trained[0])
    assert isinstance(recipe, Encoder)
    sample = compound_samples(dataset)[5]
    features = recipe.features.of_samples(dataset, [sample])
    clip = dataset.compounds[sample.key]
    frames = [dataset.actions[s.source].frames(range(s.start, s.stop)) for s in clip.segments]
    seen = features_of(recipe.extractor, np.concatenate(frames), 32, 1)
    torch.testing.assert_close(sample_features(sample, features, 0), seen, atol=1e-4, rtol=0)


def test_the_settings_select_loss_and_trimming(drawn_dataset: Path, tmp_path: Path) -> None:
    """Each of the paper's variants trains, with another loss."""
    short = replace(TINY, epochs=1, landmarks=replace(TINY.landmarks, epochs=1))
    variants = {
        "contrastive": short,
        "n_pair": replace(short, loss="n_pair"),
        "whole": replace(short, trimming=False),
    }
    reports = {n: train("encoder", drawn_dataset, tmp_path / n, s) for n, s in variants.items()}
    losses = {name: report.history[-1]["loss"] for name, report in reports.items()}
    assert len(set(losses.values())) == 3


def test_the_extractor_of_a_finished_run_is_taken(drawn_dataset: Path, tmp_path: Path) -> None:
    shape = TINY.landmarks
    settings = LandmarkSettings(**shape.to_json())
    train("landmarks", drawn_dataset, tmp_path / "sfe", settings)
    taken = replace(TINY, extractor=str(tmp_path / "sfe"))
    report = train("encoder", drawn_dataset, tmp_path / "run", taken)
    assert {epoch["phase"] for epoch in report.history} == {"motion"}
    made, kept = load(tmp_path / "sfe"), load(tmp_path / "run")
    assert isinstance(kept, Encoder)
    for name, tensor in made.model.get_submodule("extractor").state_dict().items():
        assert torch.equal(kept.extractor.state_dict()[name], tensor)
    for n, other in enumerate((replace(shape, width=0.25), replace(shape, size=30))):
        with pytest.raises(ModelError, match=r"an extractor of size 32, channels 1, width 0\.125"):
            train("encoder", drawn_dataset, tmp_path / str(n), replace(taken, landmarks=other))


def test_an_extractor_trained_on_held_out_subjects_is_refused(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """It was trained on "a" and "b"; with "a" held out, the numbers would be too good."""
    settings = LandmarkSettings(**replace(TINY.landmarks, epochs=1, steps=1).to_json())
    train("landmarks", drawn_dataset, tmp_path / "sfe", settings)
    folds = Dataset(drawn_dataset).actions.table(["subject", "fold"]).to_pylist()
    fold = next(row["fold"] for row in folds if row["subject"] == "a")
    taken = replace(TINY, extractor=str(tmp_path / "sfe"), hold_out=fold)
    with pytest.raises(ModelError, match="was trained on held-out subjects: a"):
        train("encoder", drawn_dataset, tmp_path / "run", taken)


def test_a_single_subject_is_refused_before_anything_is_written(
    single_subject_dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="no subject-disjoint split"):
        train("encoder", single_subject_dataset, tmp_path / "out", TINY)
    assert not (tmp_path / "out").exists()
