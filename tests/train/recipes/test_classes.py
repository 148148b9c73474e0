"""Classes of a training: the actions, or the values of a label of the table of recordings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.train.data import action_samples
from fmdata.train.recipes import settings_of
from fmdata.train.recipes.base import class_column, class_names
from fmdata.train.recipes.landmarks import Landmarks, LandmarkSettings
from fmdata.train.recipes.pcl import Pcl, PclSettings
from fmdata.train.run import train
from tests.helpers.datasets import add_label
from tests.helpers.drawn_faces import write_dataset

# Brows and mouth are one emotion, so that classes are not the actions under other names.
EMOTIONS = {"brows": "surprise", "mouth": "surprise", "smile": "joy"}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return drawn faces with labels of each type; subject c has no group."""
    path = write_dataset(tmp_path_factory.mktemp("labelled") / "dataset", {"c": 1, "a": 4, "b": 7})
    add_label(path, "emotion", "text", lambda row: EMOTIONS[row["action"]])
    add_label(path, "level", "integer", lambda row: int(row["take"]) % 2)
    add_label(path, "score", "real", lambda row: 0.5)
    add_label(path, "group", "text", lambda row: None if row["subject"] == "c" else "x")
    return path


def test_classes_are_actions_or_the_values_of_a_label(labelled: Path) -> None:
    dataset = Dataset(labelled)
    assert class_names(dataset, ["a"], "") == ["brows", "mouth", "smile"]
    assert class_names(dataset, ["a"], "emotion") == ["joy", "surprise"]
    assert class_names(dataset, ["a", "b"], "label_Level") == ["0", "1"]
    samples = action_samples(dataset, class_column(dataset, "level"))
    assert {sample.label for sample in samples} == {"0", "1"}


def test_a_label_that_names_the_neutral_face_is_one_class_with_it() -> None:
    settings = LandmarkSettings(task="expressions", size=32, width=0.125)
    recipe = Landmarks(settings, ["happy", "neutral"])
    assert recipe.names == ["neutral", "happy"]
    assert recipe.head[0].out_features == 2


@pytest.mark.parametrize(
    ("label", "got"),
    [
        ("mood", "no label mood in the dataset"),
        ("score", "score is a real number"),
        ("group", "9 of 27 clips have no group"),
        ("action", "no label action in the dataset"),
    ],
)
def test_a_label_that_gives_no_classes_is_refused(labelled: Path, label: str, got: str) -> None:
    with pytest.raises(DatasetError) as caught:
        class_column(Dataset(labelled), label)
    assert got in caught.value.got
    assert caught.value.todo


@pytest.mark.parametrize(
    ("recipe", "options", "reason"),
    [
        ("rrl", [], "it has no classes"),
        ("subclips", [], "it has no classes"),
        ("landmarks", [], "task = landmarks has no classes"),
        ("encoder", ["on=compounds"], "compounds are of actions"),
    ],
)
def test_a_recipe_without_classes_takes_no_label(
    recipe: str, options: list[str], reason: str, labelled: Path, tmp_path: Path
) -> None:
    settings = settings_of(recipe, None, ["label=emotion", *options])
    with pytest.raises(UsageError) as caught:
        train(recipe, labelled, tmp_path / "run", settings)
    assert reason in caught.value.got
    assert "smate, pcl, encoder on actions" in caught.value.wanted


def test_smate_learns_the_values_of_a_label(labelled: Path, tmp_path: Path) -> None:
    """Its confusion counts the clips of each: of six brows and mouths, and three smiles."""
    options = ["label=emotion", "input=colour", "epochs=1", "size=16", "frames=4", "width=8",
               "heads=2", "spatial_layers=1", "temporal_layers=1"]  # fmt: skip
    report = train("smate", labelled, tmp_path / "run", settings_of("smate", None, options))
    confusion = report.evaluation.confusion
    assert confusion is not None
    assert confusion.classes == ["joy", "surprise"]
    assert confusion.counts.sum(axis=1).tolist() == [3, 6]


def test_expressions_of_frames_are_those_of_the_label(labelled: Path) -> None:
    dataset = Dataset(labelled)
    settings = replace(LandmarkSettings(), task="expressions", label="emotion")
    recipe = Landmarks(settings, ["joy", "surprise"])
    clips = list(dataset.actions.of_subject("a"))
    labels = np.concatenate([recipe._reader(dataset)(clip)[2] for clip in clips])
    assert set(labels.tolist()) == {0, 1, 2}
    assert recipe.names == ["neutral", "joy", "surprise"]
    probe = Pcl(PclSettings(label="emotion", size=32), ["joy", "surprise"])
    shown = np.concatenate([probe._reader(dataset)(clip)[1] for clip in clips])
    assert set(shown.tolist()) >= {0, 1, 2}
