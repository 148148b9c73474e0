"""Baselines without a network: displacements of landmarks, whitened or classified.

``quarters`` takes the mean displacement in each quarter of a clip. ``peaks`` is an oracle: it knows
where each motion lies, also inside a compound, and takes the frames near its peak.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.papers.protocol.methods import Trained
from fmdata.catalog import Dataset
from fmdata.train.checkpoint import Epoch, Keeper
from fmdata.train.data import (
    LabelledClip,
    action_samples,
    compound_samples,
    crop_landmarks,
)
from fmdata.train.metrics import Evaluation, score_embeddings
from fmdata.train.recipes.base import Material, class_column, class_names
from fmdata.train.verification.measure import EmbeddedClips

QUARTERS, PEAKS = "quarters", "peaks"
NEUTRAL_FRAMES = 3
PEAK = 0.7  # share of a motion's largest displacement from which a frame is near the peak
MAX_DIMENSIONS = 64
SHRINKAGE = 0.1


@dataclass(frozen=True)
class WhitenedLandmarks:
    """Verifies motions by displacements, whitened by their covariance within a motion."""

    on: str = "actions"
    view: str = QUARTERS
    motions: str = "*"  # those that are measured, as a pattern of names; all are trained on

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name and settings."""
        return {"hand-made": "whitened landmarks", **asdict(self)}

    def tried(self, trial: Sequence[str], seed: int) -> "WhitenedLandmarks":
        """Return the method itself: it has no settings and no seed."""
        return self

    def train(self, material: Material, keeper: Keeper) -> tuple[Trained, list[Epoch]]:
        """Estimate mean and covariance from the training subjects."""
        trained = _Whitened(self)
        trained.fit(*trained.vectors(material.dataset, material.split.train))
        return trained, []


class _Whitened:
    def __init__(self, method: WhitenedLandmarks) -> None:
        self._method = method
        self._mean, self._matrix = np.zeros(1), np.eye(1)

    def vectors(
        self, dataset: Dataset, subjects: Sequence[str], motions: str = "*"
    ) -> tuple[np.ndarray, Sequence[LabelledClip]]:
        of = compound_samples if self._method.on == "compounds" else action_samples
        every = of(dataset).of_subjects(subjects)
        samples = [sample for sample in every if fnmatchcase(sample.label, motions)]
        return displacements(dataset, samples, self._method.view), samples

    def fit(self, vectors: np.ndarray, samples: Sequence[LabelledClip]) -> None:
        self._mean = vectors.mean(axis=0)
        # Principal directions first: there are fewer clips than numbers.
        _, _, directions = np.linalg.svd(vectors - self._mean, full_matrices=False)
        directions = directions[:MAX_DIMENSIONS]
        projected = (vectors - self._mean) @ directions.T
        groups: dict[tuple[str, str], list[int]] = {}
        for i, sample in enumerate(samples):
            groups.setdefault((sample.subject, sample.label), []).append(i)
        within = np.concatenate([projected[g] - projected[g].mean(axis=0) for g in groups.values()])
        covariance = within.T @ within / len(within)
        size = np.trace(covariance) / len(covariance)
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * size * np.eye(len(covariance))
        values, axes = np.linalg.eigh(covariance)
        self._matrix = directions.T @ axes / np.sqrt(np.maximum(values, 1e-12))

    def embed_subjects(self, dataset: Dataset, subjects: Sequence[str]) -> EmbeddedClips:
        """Embed all clips of some subjects."""
        vectors, samples = self.vectors(dataset, subjects, self._method.motions)
        white = (vectors - self._mean) @ self._matrix
        length = np.maximum(np.linalg.norm(white, axis=1, keepdims=True), 1e-12)
        return EmbeddedClips((white / length).astype(np.float32), samples)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score the pairs of the same subject."""
        return score_embeddings(*self.embed_subjects(dataset, subjects))


@dataclass(frozen=True)
class ClassifiedLandmarks:
    """Classifies actions, or values of a label, by displacements and logistic regression."""

    view: str = QUARTERS
    label: str = ""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name and settings."""
        return {"hand-made": "classified landmarks", **asdict(self)}

    def tried(self, trial: Sequence[str], seed: int) -> "ClassifiedLandmarks":
        """Return the method itself: it has no settings and no seed."""
        return self

    def train(self, material: Material, keeper: Keeper) -> tuple[Trained, list[Epoch]]:
        """Fit the regression to the training subjects."""
        dataset, subjects = material.dataset, material.split.train
        trained = _Classifier(self, class_names(dataset, subjects, self.label))
        trained.fit(dataset, subjects)
        return trained, []


class _Classifier:
    def __init__(self, method: ClassifiedLandmarks, classes: Sequence[str]) -> None:
        self._method, self._classes = method, classes
        self._model = LogisticRegression(max_iter=2000, C=1.0)
        self._scale = np.ones(1)

    def fit(self, dataset: Dataset, subjects: Sequence[str]) -> None:
        vectors, labels = self._read(dataset, subjects)
        self._scale = np.maximum(vectors.std(axis=0), 1e-6)
        self._model.fit(vectors / self._scale, labels)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the accuracy on clips of known classes."""
        vectors, labels = self._read(dataset, subjects)
        right = self._model.predict(vectors / self._scale) == labels
        chance = 1 / len(self._classes)
        return Evaluation({"accuracy": float(right.mean()), "accuracy_chance": chance})

    def _read(self, dataset: Dataset, subjects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        samples = action_samples(dataset, class_column(dataset, self._method.label))
        known = [s for s in samples.of_subjects(subjects) if s.label in self._classes]
        labels = np.array([sample.label for sample in known])
        return displacements(dataset, known, self._method.view), labels


def displacements(dataset: Dataset, samples: Sequence[LabelledClip], view: str) -> np.ndarray:
    """Return the displacements of 68 landmarks in parts of each clip, float32 [N, parts * 136].

    They are relative to the first frames of each piece's own take, in sides of a crop. With
    ``peaks`` a part is a motion, otherwise a quarter of the clip.
    """
    takes = sorted({piece.source for sample in samples for piece in sample.pieces})
    points = {}
    for take in takes:
        clip = crop_landmarks(dataset.actions[take]).reshape(-1, 136)
        points[take] = clip - clip[:NEUTRAL_FRAMES].mean(axis=0)
    return np.stack([_parts(sample, points, view) for sample in samples])


def _parts(sample: LabelledClip, points: Mapping[str, np.ndarray], view: str) -> np.ndarray:
    pieces = [points[piece.source][piece.start : piece.stop] for piece in sample.pieces]
    whole = np.concatenate(pieces)
    if view == QUARTERS:
        places = np.linspace(0, len(whole), 5).round().astype(int)
        parts = [
            whole[min(a, len(whole) - 1) : max(b, a + 1)].mean(axis=0) for a, b in pairwise(places)
        ]
    elif len(pieces) == 1:
        parts = [_peak(whole[sample.onset : sample.offset])]
    else:  # lead, first, second, tail
        parts = [_peak(piece) for piece in pieces[1:3]]
    return np.concatenate(parts).astype(np.float32)


def _peak(frames: np.ndarray) -> np.ndarray:
    strength = np.linalg.norm(frames, axis=1)
    peak: np.ndarray = frames[strength >= PEAK * strength.max()].mean(axis=0)
    return peak
