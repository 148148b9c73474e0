"""Extractors: of landmarks and of expressions, on drawn faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fmdata.train.recipes.landmarks import NEUTRAL, LandmarkSettings, landmark_error
from fmdata.train.run import train

TINY = LandmarkSettings(size=32, width=0.125, frames=8, epochs=4, steps=8, batch=24)


def test_landmarks_of_a_face_it_has_not_seen_come_closer(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    report = train("landmarks", drawn_dataset, tmp_path, replace(TINY, epochs=12))
    errors = [epoch["landmark_error"] for epoch in report.history]
    assert errors[-1] < errors[0]
    assert report.evaluation.numbers == {"landmark_error": errors[-1]}


def test_expressions_are_told_from_neutral_faces_and_from_each_other(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    settings = replace(TINY, task="expressions", epochs=6)
    report = train("landmarks", drawn_dataset, tmp_path, settings)
    confusion = report.evaluation.confusion
    assert confusion is not None
    assert confusion.classes == [NEUTRAL, "brows", "mouth", "smile"]
    # Every class is there to be recognised, and more are right than by always saying the largest.
    assert (confusion.counts.sum(axis=1) > 0).all()
    right = np.trace(confusion.counts) / confusion.counts.sum()
    assert report.evaluation.numbers["accuracy"] == pytest.approx(right)
    assert right > confusion.counts.sum(axis=1).max() / confusion.counts.sum()


def test_the_error_is_in_interocular_distances() -> None:
    """All points a tenth of the eyes' distance too far right: an error of a tenth."""
    true = torch.rand(3, 68, 2, generator=torch.Generator().manual_seed(0))
    true[:, 36], true[:, 45] = torch.tensor([0.3, 0.4]), torch.tensor([0.7, 0.4])
    assert landmark_error(true + torch.tensor([0.04, 0.0]), true) == pytest.approx(0.1)
