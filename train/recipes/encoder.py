"""The 2022 encoder, small enough for two CPU cores: an extractor first, then motion.

Sun et al. 2022, "Learning Facial Motion Representation with a Lightweight Encoder for Identity
Verification". Phase one trains the spatial feature extractor, unless it is taken from a run of the
recipe ``landmarks``. Then the features of all frames are computed once. Phase two trains the
sequence encoder on them with Eq. 1 to 4 (contrastive) or Eq. 5 and 6 (N-pair).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.settings import choice, flag, number, text
from fmdata.train import distributed
from fmdata.train.data import (
    LabelledClip,
    Samples,
    action_samples,
    compound_samples,
    pad,
)
from fmdata.train.distributed import best_device
from fmdata.train.features import Features
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.pairs import contrastive_loss, n_pair_loss
from fmdata.train.metrics import Evaluation
from fmdata.train.recipes.base import Material, class_column
from fmdata.train.recipes.motion import MotionEncoder, MotionSettings
from fmdata.train.sampling import SubjectBatches
from fmdata.train.verification.measure import EmbeddedClips
from fmdata.train.views.trims import random_trim

EVERY = "*"  # pattern of every motion


@dataclass(frozen=True)
class EncoderSettings(MotionSettings):
    """Settings of the 2022 encoder. The paper gives none of these numbers."""

    on: str = choice(
        "actions", "compounds", help="Clips to train the sequence encoder on; the extractor is "
        "always trained on the actions."
    )  # fmt: skip
    train_on: str = text(
        "*", help="Motions to train the sequence encoder on: patterns separated by commas, such as "
        "personal_*,word_*; * is every one."
    )  # fmt: skip
    measure_on: str = text("*", help="Motions to measure it on, in the same way.")
    epochs: int = number(4, 1, help="Number of epochs of the sequence encoder.")
    steps: int = number(15, 1, help="Mini-batches in an epoch.")
    subjects: int = number(2, 1, help="Subjects in a mini-batch.")
    motions: int = number(4, 1, help="Motions of each subject in a mini-batch (P).")
    takes: int = number(4, 1, help="Clips of each motion in a mini-batch (K).")
    rate: float = number(5e-4, 0, 1, help="Highest learning rate of AdamW.")
    weight_decay: float = number(0.01, 0, 1, help="Weight decay of AdamW.")
    loss: str = choice(
        "contrastive", "n_pair", help="Loss: contrastive (Eq. 1 and 2) or n_pair (Eq. 5 and 6)."
    )
    margin: float = number(0.2, -1, 1, help="Margin m_c of Eq. 1.")
    temperature: float = number(0.1, 0.001, 100, help="Temperature tau of Eq. 5.")
    trimming: bool = flag(True, help="Trim neutral frames at random.")

    @property
    def without_classes(self) -> str:
        """Why a label is of no use, in words."""
        return "" if self.on == "actions" else "compounds are of actions, and have no labels"


class Encoder(MotionEncoder):
    """The recipe ``encoder``."""

    Settings: ClassVar[type[EncoderSettings]] = EncoderSettings
    settings: EncoderSettings

    def __init__(self, settings: EncoderSettings, classes: Sequence[str]) -> None:
        super().__init__(settings, classes)

    def train(self, material: Material, loop: Loop) -> None:
        """Train or take the extractor, compute all features, train the sequence encoder."""
        train, held = self._samples(material)
        self.obtain_extractor(material, loop)
        features = self.features.of_samples(material.dataset, train + held, loop)
        self._fit_motion(train, held, features, loop)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score full clips of some subjects, untrimmed, as the paper does (section 2.5)."""
        embedded = self.embed_subjects(dataset, subjects)
        self._require_pair(embedded.samples, "measure on", dataset)
        return self._scored(*embedded)

    def embed_subjects(self, dataset: Dataset, subjects: Sequence[str]) -> EmbeddedClips:
        """Embed all clips of some subjects that show a motion to measure on."""
        samples = self._read(dataset, self.settings.measure_on).of_subjects(subjects)
        features = self.features.of_samples(dataset, samples)
        return EmbeddedClips(self.embed_samples(samples, features), samples)

    def embed_samples(self, samples: Sequence[LabelledClip], features: Features) -> np.ndarray:
        """Embed samples by the features of their sources: float32 [N, n]."""
        return self._embedded(samples, lambda sample: self.motion_features(sample, features))

    def _fit_motion(self, train: Samples, held: Samples, features: Features, loop: Loop) -> None:
        settings, device = self.settings, best_device()
        subject_ids = {name: i for i, name in enumerate(sorted({s.subject for s in train}))}
        label_ids = {name: i for i, name in enumerate(sorted({s.label for s in train}))}
        batches = SubjectBatches(
            train,
            settings.subjects * distributed.world(),
            settings.motions,
            settings.takes,
            shared_takes=settings.shared_takes,
        )

        def loss_at(step: Step) -> Tensor:
            chosen = [train[i] for i in distributed.part(batches.draw(step.common))]
            clips = []
            for sample in chosen:
                clip = self.motion_features(sample, features)
                if settings.trimming:
                    start, stop = random_trim(len(clip), sample.onset, sample.offset, step.rng)
                    clip = clip[start:stop]
                clips.append(clip)
            embeddings = self.sequence(*pad(clips, device))
            labels = torch.tensor([label_ids[s.label] for s in chosen], device=device)
            subjects = torch.tensor([subject_ids[s.subject] for s in chosen], device=device)
            if settings.loss == "n_pair":
                return n_pair_loss(embeddings, labels, subjects, settings.temperature)
            return contrastive_loss(embeddings, labels, subjects, settings.margin)

        def measure() -> dict[str, float]:
            return self._scored(self.embed_samples(held, features), held).numbers

        def prepare() -> None:
            self.sequence.standardise_by(self.motion_features(s, features) for s in train)

        schedule = Schedule(settings.epochs, settings.steps, settings.rate, settings.weight_decay)
        loop.fit(
            Phase("motion", self.sequence, loss_at, schedule, prepare=prepare, measure=measure)
        )

    def _samples(self, material: Material) -> tuple[Samples, Samples]:
        dataset, split, s = material.dataset, material.split, self.settings
        train = self._read(dataset, s.train_on).of_subjects(split.train)
        held = self._read(dataset, s.measure_on).of_subjects(split.validation)
        self._require_pair(train, "train on", dataset)
        self._require_pair(held, "validate on", dataset)
        return train, held

    def _read(self, dataset: Dataset, motions: str) -> Samples:
        on_actions = self.settings.on == "actions"
        if on_actions:
            samples = action_samples(dataset, class_column(dataset, self.settings.label))
        else:
            samples = compound_samples(dataset)
        if motions == EVERY:
            return samples
        patterns = [pattern.strip() for pattern in motions.split(",")]
        chosen = (s for s in samples if any(fnmatchcase(s.label, p) for p in patterns))
        return Samples.of(chosen)
