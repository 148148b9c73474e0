"""Datasets of drawn faces for all tests of training, and seeded random numbers."""

from pathlib import Path

import pytest
import torch

from tests.helpers.drawn_faces import write_dataset


@pytest.fixture(autouse=True)
def seeded_torch() -> None:
    """Seed torch, so that a test draws the same numbers alone and among others."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three subjects in three folds: a and b to train on, c (the lowest fold) to validate on."""
    return write_dataset(tmp_path_factory.mktemp("drawn") / "dataset", {"c": 1, "a": 4, "b": 7})


@pytest.fixture(scope="session")
def single_subject_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject, "alone": there is no subject-disjoint split."""
    return write_dataset(tmp_path_factory.mktemp("single") / "dataset", {"alone": 3})
