"""Compound facial actions, and contrastive pretraining on subclips (2023).

Sun et al. 2023, "Self-Supervised Facial Motion Representation Learning via Contrastive Subclips".
The frozen extractor is that of the recipe ``landmarks``. Phase ``pretraining`` trains the sequence
encoder without labels to match a clip with its twin (InfoNCE): twins by colour, blur and padding
only (the paper's SS), or of contrastive subclips as well (SS+). Phase ``fine-tuning`` trains it on
positive and negative pairs (Eq. 1 to 3) at a tenth of that rate; the baseline has this phase only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, number
from fmdata.train.checkpoint import Epoch
from fmdata.train.data import (
    LabelledClip,
    compound_samples,
    pad,
)
from fmdata.train.distributed import best_device
from fmdata.train.features import Features
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.infonce import info_nce
from fmdata.train.losses.pairs import cosine_distance, two_margin_loss
from fmdata.train.metrics import Evaluation
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.motion import MotionEncoder, MotionSettings
from fmdata.train.sampling import PairBatches
from fmdata.train.verification.measure import EmbeddedClips
from fmdata.train.views.subclips import twin_views

FINE_TUNING = 0.1  # share of the pretraining's rate (section 4)
MARK = 0.8  # average precision; figure 5 counts the epochs until it is reached
BATCH = 32  # clips at once without gradients


@dataclass(frozen=True)
class SubclipsSettings(MotionSettings):
    """Settings of the 2023 encoder. The paper gives the margins and the optimiser."""

    pretraining: str = choice(
        "subclips", "twins", "none", help="Pretraining: subclips (SS+), twins (SS), or none (the "
        "baseline)."
    )  # fmt: skip
    stride: int = number(2, 1, help="The sequence encoder takes every so-many-th frame.")
    rate: float = number(
        0.2, 0, 10, help="First learning rate of SGD in pretraining; fine-tuning, and the "
        "baseline, take a tenth."
    )  # fmt: skip
    pretraining_epochs: int = number(4, 1, help="Number of epochs of pretraining.")
    pretraining_steps: int = number(15, 1, help="Mini-batches in an epoch of pretraining.")
    clips: int = number(16, 2, help="Clips in a mini-batch of pretraining (N of section 3.3).")
    variants: int = number(
        4, 2, 64, help="Colour-distorted and blurred variants of every clip, computed once."
    )
    padding: int = number(8, 0, help="Maximum number of frames by which either end is padded.")
    temperature: float = number(0.1, 0.001, 100, help="Temperature of InfoNCE.")
    epochs: int = number(8, 1, help="Number of epochs of fine-tuning.")
    steps: int = number(8, 1, help="Mini-batches in an epoch of fine-tuning.")
    pairs: int = number(
        8, 1, help="Positive pairs in a mini-batch of fine-tuning, and as many negative ones (N of "
        "Eq. 3)."
    )  # fmt: skip
    positive_margin: float = number(0.2, 0, 2, help="Margin m_p of Eq. 2.")
    negative_margin: float = number(0.3, 0, 2, help="Margin m_n of Eq. 2.")


class Subclips(MotionEncoder):
    """The recipe ``subclips``."""

    Settings: ClassVar[type[SubclipsSettings]] = SubclipsSettings
    settings: SubclipsSettings

    def __init__(self, settings: SubclipsSettings, classes: Sequence[str]) -> None:
        super().__init__(settings, classes)
        self.stride = settings.stride
        self.model.register_buffer("epochs_to_mark", torch.tensor(-1))

    def train(self, material: Material, loop: Loop) -> None:
        """Train or take the extractor, compute all features, pretrain, fine-tune."""
        settings, dataset, split = self.settings, material.dataset, material.split
        samples, where = compound_samples(dataset), str(dataset.path)
        train, held = samples.of_subjects(split.train), samples.of_subjects(split.validation)
        self._require_pair(held, "validate on", dataset)
        batches = self._batches(train, where)
        self.obtain_extractor(material, loop)
        features = self.features.of_samples(dataset, train + held, loop)
        clips = self._clips(train, features)
        if settings.pretraining != "none":
            variants = self.features.of_variants(dataset, train, settings.variants, loop)
            self._pretrain(clips, train, variants, loop)
        self._fine_tune(clips, batches, held, self._clips(held, features), loop)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score some subjects' compounds; also report the epochs of fine-tuning until AP 0.8."""
        evaluation = self._scored(*self.embed_subjects(dataset, subjects))
        evaluation.numbers[f"epochs_to_{MARK}"] = float(self.model.get_buffer("epochs_to_mark"))
        return evaluation

    def embed_subjects(self, dataset: Dataset, subjects: Sequence[str]) -> EmbeddedClips:
        """Embed all compounds of some subjects, of which one shows a compound twice."""
        samples = compound_samples(dataset).of_subjects(subjects)
        self._require_pair(samples, "measure on", dataset)
        clips = self._clips(samples, self.features.of_samples(dataset, samples))
        return EmbeddedClips(self.sequence.embed(clips), samples)

    def _clips(self, samples: Sequence[LabelledClip], features: Features) -> list[Tensor]:
        return [self.motion_features(sample, features) for sample in samples]

    def _pretrain(
        self, clips: Sequence[Tensor], train: Sequence[LabelledClip], variants: Features, loop: Loop
    ) -> None:
        settings = self.settings

        def loss_at(step: Step) -> Tensor:
            sides: tuple[list[Tensor], list[Tensor]] = [], []
            for i in step.rng.permutation(len(train))[: settings.clips]:
                clip = self.motion_features(train[i], variants)
                for twins in twin_views(
                    clip.shape[1],
                    settings.variants,
                    settings.padding,
                    step.rng,
                    subclips=settings.pretraining == "subclips",
                ):
                    for side, view in zip(sides, twins, strict=True):
                        side.append(clip[view.variant, view.frames])
            first, second = self._pairs(*sides)
            return info_nce(first, second, settings.temperature)

        epochs, steps = settings.pretraining_epochs, settings.pretraining_steps
        schedule = _schedule(epochs, steps, settings.rate)
        loop.fit(
            Phase(
                "pretraining",
                self.sequence,
                loss_at,
                schedule,
                prepare=lambda: self.sequence.standardise_by(clips),
            )
        )

    def _fine_tune(
        self,
        clips: Sequence[Tensor],
        batches: PairBatches,
        held: Sequence[LabelledClip],
        held_clips: Sequence[Tensor],
        loop: Loop,
    ) -> None:
        settings = self.settings

        def loss_at(step: Step) -> Tensor:
            chosen = batches.draw(step.rng)
            first, second = self._pairs(
                [clips[i] for i in chosen.first], [clips[i] for i in chosen.second]
            )
            return two_margin_loss(
                cosine_distance(first, second),
                torch.from_numpy(chosen.positive).to(first.device),
                settings.positive_margin,
                settings.negative_margin,
            )

        def prepare() -> None:
            if settings.pretraining == "none":  # else the pretraining has standardised
                self.sequence.standardise_by(clips)

        schedule = _schedule(settings.epochs, settings.steps, FINE_TUNING * settings.rate)
        epochs = loop.fit(
            Phase(
                "fine-tuning",
                self.sequence,
                loss_at,
                schedule,
                prepare=prepare,
                measure=lambda: self._measure(held, held_clips),
            )
        )
        self.model.get_buffer("epochs_to_mark").fill_(epochs_to(MARK, epochs))

    def _pairs(self, first: list[Tensor], second: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Embed clips and their partners in one pass, float [P, n] each."""
        embeddings = self.sequence(*pad([*first, *second], best_device()))
        return embeddings[: len(first)], embeddings[len(first) :]

    def _measure(
        self, samples: Sequence[LabelledClip], clips: Sequence[Tensor]
    ) -> dict[str, float]:
        """Score after an epoch, in batches of similar lengths, which is faster than `embed`."""
        order = np.argsort([len(clip) for clip in clips])
        parts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        rows = [self.sequence(*pad([clips[i] for i in part], best_device())) for part in parts]
        embeddings = torch.cat(rows).cpu().numpy()[np.argsort(order)]
        return self._scored(embeddings, samples).numbers

    def _batches(self, train: Sequence[LabelledClip], where: str) -> PairBatches:
        try:
            settings = self.settings
            return PairBatches(train, settings.pairs, shared_takes=settings.shared_takes)
        except ValueError as error:
            raise DatasetError(
                str(error),
                wanted="compounds of several kinds, each at least twice, to train on",
                where=where,
                todo="run `fmdata synth-compound` with more copies, or add takes and actions",
            ) from error


def _schedule(epochs: int, steps: int, rate: float) -> Schedule:
    """Return the schedule of section 4: SGD with momentum 0.9, a cosine per step."""
    return Schedule(epochs, steps, rate, optimizer="sgd", warmup=0)


def epochs_to(mark: float, epochs: Sequence[Epoch]) -> int:
    """Return the number of epochs until the average precision reached `mark`; -1 for never."""
    reached = [i + 1 for i, epoch in enumerate(epochs) if epoch["average_precision"] >= mark]
    return reached[0] if reached else -1
