"""Compound facial actions, and contrastive pretraining on subclips (2023).

Sun et al. 2023, "Self-Supervised Facial Motion Representation Learning via Contrastive Subclips".
The frozen extractor is that of the recipe ``landmarks``. Phase ``pretraining`` trains the sequence
encoder without labels to match a clip with its twin (InfoNCE): of whole clips (the paper's SS), or
of contrastive subclips (SS+). Phase ``fine-tuning`` trains it on positive and negative pairs (Eq. 1
to 3); the baseline has this phase only.

Twins of the paper differ in colour, blur and padding. An extractor that sees grey and knows
landmarks hardly notices these: an untrained encoder finds the twin among 32 clips in 87 of 100
cases. By default twins also differ in tempo, amplitude and their ends, as takes do.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train import distributed
from fmdata.train.checkpoint import Epoch
from fmdata.train.data import (
    LabelledClip,
    compound_samples,
    pad,
)
from fmdata.train.distributed import best_device
from fmdata.train.features import Features, sample_features
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.infonce import info_nce
from fmdata.train.losses.pairs import cosine_distance, two_margin_loss
from fmdata.train.metrics import Evaluation
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.motion import MotionEncoder, MotionSettings
from fmdata.train.sampling import PairBatches
from fmdata.train.verification.measure import EmbeddedClips
from fmdata.train.views.subclips import Variation, draw_view, twin_views

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
    optimizer: str = choice(
        "adamw", "sgd", help="Optimiser: adamw, or the paper's sgd with momentum 0.9, which needs "
        "a hundred times the rate and many more steps."
    )  # fmt: skip
    rate: float = number(1e-3, 0, 10, help="Highest learning rate, that of pretraining.")
    fine_tuning: float = number(
        1.0, 0, 1, help="Learning rate of fine-tuning, and of the baseline, as a share of that; "
        "0.1 in the paper."
    )  # fmt: skip
    weight_decay: float = number(0.01, 0, 1, help="Weight decay of AdamW.")
    pretraining_epochs: int = number(4, 1, help="Number of epochs of pretraining.")
    pretraining_steps: int = number(15, 1, help="Mini-batches in an epoch of pretraining.")
    clips: int = number(16, 2, help="Clips in a mini-batch of pretraining (N of section 3.3).")
    variants: int = number(
        8, 2, 256, help="Colour-distorted and blurred variants of every clip, computed once; a "
        "view takes one at random."
    )  # fmt: skip
    padding_s: float = number(0.3, 0, 60, help="Greatest padding of a view at either end, seconds.")
    ragged_s: float = number(
        0.3, 0, 60, help="Greatest cut of a view at either end, in seconds, of half a clip "
        "altogether; 0 in the paper."
    )  # fmt: skip
    tempo: float = number(
        1.4, 1, 4, help="Greatest factor of a view's tempo, up and down; 1 in the paper."
    )
    amplitude: float = number(
        0.4, 0, 1, help="Greatest share by which a view's motion is larger or smaller; 0 in the "
        "paper."
    )  # fmt: skip
    augment: bool = flag(
        False, help="Vary the clips of fine-tuning in their ends, tempo and amplitude too; the "
        "paper does not."
    )  # fmt: skip
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
        samples, where = compound_samples(dataset), dataset.where
        train, held = samples.of_subjects(split.train), samples.of_subjects(split.validation)
        self._require_pair(held, "validate on", dataset)
        batches = self._batches(train, where)
        self.obtain_extractor(material, loop)
        features = self.features.of_samples(dataset, train + held, loop)
        rates = fps_of(dataset)
        variations = [self._variation(rates[sample.key]) for sample in train]
        clips = self._whole(train, features)
        if settings.pretraining != "none":
            variants = self.features.of_variants(dataset, train, settings.variants, loop)
            self._pretrain(clips, train, variants, variations, loop)
        held_clips = self._clips(held, features)
        self._fine_tune(clips, variations, batches, (held, held_clips), loop)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score some subjects' compounds; also the epochs until AP 0.8, where it was reached."""
        embedded = self.embed_subjects(dataset, subjects)
        self._require_pair(embedded.samples, "measure on", dataset)
        evaluation = self._scored(*embedded)
        epochs = float(self.model.get_buffer("epochs_to_mark"))
        if epochs > 0:
            evaluation.numbers[f"epochs_to_{MARK}"] = epochs
        return evaluation

    def embed_subjects(self, dataset: Dataset, subjects: Sequence[str]) -> EmbeddedClips:
        """Embed all compounds of some subjects."""
        samples = compound_samples(dataset).of_subjects(subjects)
        clips = self._clips(samples, self.features.of_samples(dataset, samples))
        return EmbeddedClips(self._embedded(clips, lambda clip: clip), samples)

    def _clips(self, samples: Sequence[LabelledClip], features: Features) -> list[Tensor]:
        return [self.motion_features(sample, features) for sample in samples]

    def _whole(self, samples: Sequence[LabelledClip], features: Features) -> list[Tensor]:
        """Return the features of every frame, whatever the stride, float [..., T, m]."""
        n = self.settings.neutral_frames
        return [sample_features(sample, features, n) for sample in samples]

    def _variation(self, fps: float) -> Variation:
        """Return what the views of a clip with so many frames a second differ in."""
        s = self.settings
        frames = fps * s.padding_s, fps * s.ragged_s
        return Variation(s.variants, s.stride, *frames, s.tempo, s.amplitude)

    def _rest(self, clip: Tensor) -> Tensor:
        """Return the features about which a motion is scaled, of a clip, float [..., T, m]."""
        relative = self.settings.neutral_frames > 0
        return torch.zeros(clip.shape[-1]) if relative else clip.flatten(0, -2)[0]

    def _pretrain(
        self,
        clips: Sequence[Tensor],
        train: Sequence[LabelledClip],
        variants: Features,
        variations: Sequence[Variation],
        loop: Loop,
    ) -> None:
        settings, subclips = self.settings, self.settings.pretraining == "subclips"

        def loss_at(step: Step) -> Tensor:
            sides: tuple[list[Tensor], list[Tensor]] = [], []
            n_clips = settings.clips * distributed.world()
            for i in distributed.part(step.common.permutation(len(train))[:n_clips].tolist()):
                clip = self._whole([train[i]], variants)[0]
                views = twin_views(clip.shape[1], variations[i], step.rng, subclips=subclips)
                for twins in views:
                    for side, view in zip(sides, twins, strict=True):
                        side.append(view.of(clip, self._rest(clip)))
            first, second = self._pairs(*sides)
            return info_nce(first, second, settings.temperature)

        length = settings.pretraining_epochs, settings.pretraining_steps
        schedule = self._schedule(*length, settings.rate)
        self._fit("pretraining", loss_at, schedule, clips, loop)

    def _fine_tune(
        self,
        clips: Sequence[Tensor],
        variations: Sequence[Variation],
        batches: PairBatches,
        held: tuple[Sequence[LabelledClip], Sequence[Tensor]],
        loop: Loop,
    ) -> None:
        settings = self.settings

        def taken(chosen: np.ndarray, step: Step) -> list[Tensor]:
            if not settings.augment:
                return [clips[i][:: self.stride] for i in chosen]
            views = [
                draw_view(np.arange(len(clips[i])), 0, variations[i], step.rng) for i in chosen
            ]
            pairs = zip(views, (clips[i] for i in chosen), strict=True)
            return [view.of(clip[None], self._rest(clip)) for view, clip in pairs]

        def loss_at(step: Step) -> Tensor:
            chosen = batches.draw(step.rng)
            first, second = self._pairs(taken(chosen.first, step), taken(chosen.second, step))
            return two_margin_loss(
                cosine_distance(first, second),
                torch.from_numpy(chosen.positive).to(first.device),
                settings.positive_margin,
                settings.negative_margin,
            )

        rate = settings.fine_tuning * settings.rate
        schedule = self._schedule(settings.epochs, settings.steps, rate)
        # The pretraining, if any, has standardised the features.
        data = clips if settings.pretraining == "none" else None
        measure = partial(self._measure, *held)
        epochs = self._fit("fine-tuning", loss_at, schedule, data, loop, measure)
        self.model.get_buffer("epochs_to_mark").fill_(epochs_to(MARK, epochs))

    def _fit(
        self,
        name: str,
        loss_at: Callable[[Step], Tensor],
        schedule: Schedule,
        clips: Sequence[Tensor] | None,
        loop: Loop,
        measure: Callable[[], dict[str, float]] | None = None,
    ) -> list[Epoch]:
        """Train the sequence encoder in one phase, standardised by `clips` where they are given."""

        def prepare() -> None:
            if clips is not None:
                self.sequence.standardise_by(clips)

        return loop.fit(
            Phase(name, self.sequence, loss_at, schedule, prepare=prepare, measure=measure)
        )

    def _schedule(self, epochs: int, steps: int, rate: float) -> Schedule:
        """Return the schedule of a phase; section 4 has SGD with momentum 0.9, a cosine per step.

        AdamW's first steps need a warm-up.
        """
        s, is_sgd = self.settings, self.settings.optimizer == "sgd"
        decay, warmup = (0.0, 0.0) if is_sgd else (s.weight_decay, 0.05)
        return Schedule(epochs, steps, rate, decay, optimizer=s.optimizer, warmup=warmup)

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

        def run(some: range) -> Iterator[np.ndarray]:
            for i in some:
                yield self.sequence(*pad([clips[j] for j in parts[i]], best_device())).cpu().numpy()

        rows = distributed.divided(len(parts), run)
        embeddings = np.concatenate(rows)[np.argsort(order)]
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


def fps_of(dataset: Dataset) -> dict[str, float]:
    """Return the frames a second of every compound, by its key."""
    rows = dataset.compounds.table(["key", "fps"])
    return dict(zip(rows["key"].to_pylist(), rows["fps"].to_pylist(), strict=True))


def epochs_to(mark: float, epochs: Sequence[Epoch]) -> int:
    """Return the number of epochs until the average precision reached `mark`; -1 for never."""
    reached = [i + 1 for i, epoch in enumerate(epochs) if epoch["average_precision"] >= mark]
    return reached[0] if reached else -1
