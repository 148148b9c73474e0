"""The 2022 encoder, small enough for two CPU cores: an extractor first, then motion.

Sun et al. 2022, "Learning Facial Motion Representation with a Lightweight Encoder for Identity
Verification". Phase one makes the spatial feature extractor, or takes one that a run of the recipe
``landmarks`` has made; then the features of all frames are computed once and kept; phase two trains
the sequence encoder on them with Eq. 1 to 4 (contrastive) or Eq. 5 and 6 (N-pair).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import ModelError
from fmdata.catalog.settings import Settings, choice, flag, number
from fmdata.train.data import (
    Sample,
    action_samples,
    compound_samples,
    of_subjects,
    pad,
    require_positive_pair,
)
from fmdata.train.features import Features, FrozenFeatures, neutral, sample_features
from fmdata.train.loop import Loop, Schedule, Step, best_device
from fmdata.train.losses.pairs import contrastive_loss, n_pair_loss
from fmdata.train.metrics import Evaluation, score_embeddings
from fmdata.train.model_file import load, trained_on
from fmdata.train.networks.sequence import SequenceEncoder, SequenceShape
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, Landmarks
from fmdata.train.sampling import SubjectBatches
from fmdata.train.views.trims import random_trim


@dataclass(frozen=True)
class EncoderSettings(RecipeSettings):
    """How the 2022 encoder is made. The paper gives none of these numbers.

    Attributes
    ----------
    on : str
        The clips to learn motion from, ``actions`` or ``compounds``; landmarks are always learnt
        from the actions.
    extractor : str
        Folder of a run of ``landmarks`` whose extractor to take; empty: make one first.
    landmarks : ExtractorSettings
        Of the extractor that is made; one that is taken must have its size, channels and width.
    sequence : SequenceShape
        Of the sequence encoder.
    epochs, steps : int
        Number of epochs, mini-batches in an epoch.
    subjects, motions, takes : int
        Subjects in a mini-batch, motions of each (P), clips of each motion (K).
    rate, weight_decay : float
        AdamW's highest learning rate and weight decay.
    loss : str
        ``contrastive`` (Eq. 1 and 2) or ``n_pair`` (Eq. 5 and 6).
    margin : float
        m_c of Eq. 1.
    temperature : float
        tau of Eq. 5.
    neutral_frames : int
        Frames at a clip's start whose mean features are subtracted from the clip's, so that what
        is left is motion and not identity. With the paper's 59 subjects an encoder can learn as
        much by itself; with two or three it cannot. 0 leaves the features as the paper has them.
    trimming : bool
        Whether neutral frames are trimmed at random.
    """

    on: str = choice("actions", "compounds")
    extractor: str = field(default="")
    landmarks: ExtractorSettings = field(default_factory=ExtractorSettings)
    sequence: SequenceShape = field(default_factory=SequenceShape)
    epochs: int = number(4, 1)
    steps: int = number(15, 1)
    subjects: int = number(2, 1)
    motions: int = number(4, 1)
    takes: int = number(4, 1)
    rate: float = number(5e-4, 0, 1)
    weight_decay: float = number(0.01, 0, 1)
    loss: str = choice("contrastive", "n_pair")
    margin: float = number(0.2, -1, 1)
    temperature: float = number(0.1, 0.001, 100)
    neutral_frames: int = number(3, 0)
    trimming: bool = flag(True)


class Encoder:
    """The recipe ``encoder``."""

    Settings: ClassVar[type[EncoderSettings]] = EncoderSettings

    def __init__(self, settings: EncoderSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes = settings, list(classes)
        self.landmarks = Landmarks(settings.landmarks, classes)
        self.extractor, shape = self.landmarks.extractor, settings.landmarks
        self.features = FrozenFeatures(self.extractor, shape.size, shape.channels)
        self.sequence = SequenceEncoder(self.extractor.n_features, settings.sequence)
        self.model = nn.ModuleDict({"landmarks": self.landmarks.model, "sequence": self.sequence})

    def train(self, material: Material, loop: Loop) -> None:
        """Make or take the extractor, compute all features, train the sequence encoder."""
        train, held = self._samples(material)
        obtain_extractor(self.landmarks, self.settings.extractor, material, loop)
        features = self.features.of_samples(material.dataset, [*train, *held], loop)
        self._fit_motion(train, held, features, loop)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score full clips of some subjects, untrimmed, as the paper does (section 2.5)."""
        samples = of_subjects(self._read(dataset), subjects)
        require_positive_pair(samples, "measure on", str(dataset.path))
        features = self.features.of_samples(dataset, samples)
        return score_embeddings(self.embed_samples(samples, features), samples)

    def embed(self, clips: Iterable[np.ndarray]) -> np.ndarray:
        """Embeddings of clips by their crops, uint8 [T_i, S, S, 3] RGB each: float32 [N, n]."""
        n = self.settings.neutral_frames
        features = map(self.features.of_crops, clips)
        return self.sequence.embed(clip - neutral(clip, n) for clip in features)

    def embed_samples(self, samples: Sequence[Sample], features: Features) -> np.ndarray:
        """Embeddings of samples by their sources' features: float32 [N, n]."""
        return self.sequence.embed(self._motion(sample, features) for sample in samples)

    def _motion(self, sample: Sample, features: Features) -> Tensor:
        return sample_features(sample, features, self.settings.neutral_frames)

    def _fit_motion(
        self, train: list[Sample], held: list[Sample], features: Features, loop: Loop
    ) -> None:
        settings, device = self.settings, best_device()
        subject_ids = {name: i for i, name in enumerate(sorted({s.subject for s in train}))}
        label_ids = {name: i for i, name in enumerate(sorted({s.label for s in train}))}
        batches = SubjectBatches(train, settings.subjects, settings.motions, settings.takes)

        def loss_at(step: Step) -> Tensor:
            chosen = [train[i] for i in batches.draw(step.rng)]
            clips = []
            for sample in chosen:
                clip = self._motion(sample, features)
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
            return score_embeddings(self.embed_samples(held, features), held).numbers

        loop.fit(
            "motion",
            self.sequence,
            loss_at,
            Schedule(settings.epochs, settings.steps, settings.rate, settings.weight_decay),
            prepare=lambda: self.sequence.standardise_by(self._motion(s, features) for s in train),
            measure=measure,
        )

    def _samples(self, material: Material) -> tuple[list[Sample], list[Sample]]:
        dataset, split = material.dataset, material.split
        samples = self._read(dataset)
        train, held = of_subjects(samples, split.train), of_subjects(samples, split.validation)
        require_positive_pair(train, "train on", str(dataset.path))
        require_positive_pair(held, "validate on", str(dataset.path))
        return train, held

    def _read(self, dataset: Dataset) -> list[Sample]:
        on_actions = self.settings.on == "actions"
        return action_samples(dataset) if on_actions else compound_samples(dataset)


def obtain_extractor(landmarks: Landmarks, run: str, material: Material, loop: Loop) -> None:
    """Train an extractor, or take the one of a finished run of ``landmarks``.

    Raises
    ------
    ModelError
        When there is no such run, its extractor has another shape, or has learnt from subjects
        that are held out here.
    """
    if not run:
        landmarks.train(material, loop)
        return
    made, known = load(Path(run)), trained_on(Path(run))
    wanted, got = (_shape(s) for s in (landmarks.settings, made.settings))
    if not isinstance(made, Landmarks) or wanted != got:
        raise ModelError(
            f"an extractor of {got}" if got else "no extractor",
            wanted=f"a run of `fmdata train landmarks` with {wanted}",
            where=f"extractor = {run}",
            todo="make [landmarks] the same as its settings, or leave `extractor` out",
        )
    seen = sorted(known.subjects & {*material.split.validation})
    if seen and known.shares(material.dataset):
        raise ModelError(
            f"an extractor that has learnt from held-out subjects: {', '.join(seen[:5])}",
            wanted="one trained with the same `hold_out`, or on another dataset",
            where=f"extractor = {run}",
            todo="train `landmarks` with the same --set hold_out, or leave `extractor` out",
        )
    landmarks.extractor.load_state_dict(made.extractor.state_dict())
    landmarks.extractor.eval()


def _shape(settings: Settings) -> str:
    values = settings.to_json()
    names = ("size", "channels", "width")
    return ", ".join(f"{name} {values[name]}" for name in names if name in values)
