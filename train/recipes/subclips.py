"""Compound facial actions, and contrastive subclips before them (2023).

Sun et al. 2023, "Self-Supervised Facial Motion Representation Learning via Contrastive Subclips".
The frozen extractor is that of the recipe ``landmarks``. Phase ``pretraining`` teaches the sequence
encoder, without labels, to tell clips from their twins (InfoNCE): twins by colour, blur and padding
only (the paper's SS) or of contrastive subclips as well (SS+). Phase ``fine-tuning`` trains it on
positive and negative pairs (Eq. 1 to 3) at a tenth of that rate; the baseline has this phase only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, number
from fmdata.train.data import Sample, compound_samples, of_subjects, pad, require_positive_pair
from fmdata.train.features import Features, FrozenFeatures, neutral, sample_features
from fmdata.train.loop import Epoch, Loop, Schedule, Step, best_device
from fmdata.train.losses.infonce import info_nce
from fmdata.train.losses.pairs import cosine_distance, two_margin_loss
from fmdata.train.metrics import Evaluation, score_embeddings
from fmdata.train.networks.sequence import SequenceEncoder, SequenceShape
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.recipes.encoder import obtain_extractor
from fmdata.train.recipes.landmarks import ExtractorSettings, Landmarks
from fmdata.train.sampling import PairBatches
from fmdata.train.views.subclips import twin_views

FINE_TUNING = 0.1  # of the pretraining's rate: section 4
MARK = 0.8  # the average precision that figure 5 asks how soon it is reached
BATCH = 32  # clips at once where nothing is learnt


@dataclass(frozen=True)
class SubclipsSettings(RecipeSettings):
    """How the 2023 encoder is made. The paper gives the margins and the optimiser.

    Attributes
    ----------
    pretraining : str
        ``subclips`` (SS+), ``twins`` (SS), or ``none`` (the baseline).
    extractor : str
        Folder of a run of ``landmarks`` whose extractor to take; empty: make one first.
    landmarks : ExtractorSettings
        Of the extractor that is made; one that is taken must have its size, channels and width.
    sequence : SequenceShape
        Of the sequence encoder.
    neutral_frames : int
        As in the encoder's settings; 0 leaves the features as the papers have them.
    stride : int
        Every so many frames are given to the sequence encoder.
    rate : float
        SGD's first learning rate in pretraining; fine-tuning, and the baseline, take a tenth.
    pretraining_epochs, pretraining_steps : int
        Number of epochs, mini-batches in an epoch.
    clips : int
        Clips in a mini-batch of pretraining, N of section 3.3.
    variants : int
        Colour-distorted and blurred variants of every clip, made once.
    padding : int
        The most frames by which a clip is padded at either end.
    temperature : float
        Of InfoNCE.
    epochs, steps : int
        The same of fine-tuning.
    pairs : int
        Positive pairs in a mini-batch, and negative ones: N of Eq. 3.
    positive_margin, negative_margin : float
        m_p and m_n of Eq. 2.
    """

    pretraining: str = choice("subclips", "twins", "none")
    extractor: str = field(default="")
    landmarks: ExtractorSettings = field(default_factory=ExtractorSettings)
    sequence: SequenceShape = field(default_factory=SequenceShape)
    neutral_frames: int = number(3, 0)
    stride: int = number(2, 1)
    rate: float = number(0.2, 0, 10)
    pretraining_epochs: int = number(4, 1)
    pretraining_steps: int = number(15, 1)
    clips: int = number(16, 2)
    variants: int = number(4, 2, 64)
    padding: int = number(8, 0)
    temperature: float = number(0.1, 0.001, 100)
    epochs: int = number(8, 1)
    steps: int = number(8, 1)
    pairs: int = number(8, 1)
    positive_margin: float = number(0.2, 0, 2)
    negative_margin: float = number(0.3, 0, 2)


class Subclips:
    """The recipe ``subclips``."""

    Settings: ClassVar[type[SubclipsSettings]] = SubclipsSettings

    def __init__(self, settings: SubclipsSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes = settings, list(classes)
        self.landmarks = Landmarks(settings.landmarks, classes)
        self.extractor, shape = self.landmarks.extractor, settings.landmarks
        self.features = FrozenFeatures(self.extractor, shape.size, shape.channels)
        self.sequence = SequenceEncoder(self.extractor.n_features, settings.sequence)
        self.model = nn.ModuleDict({"landmarks": self.landmarks.model, "sequence": self.sequence})
        self.model.register_buffer("epochs_to_mark", torch.tensor(-1))

    def train(self, material: Material, loop: Loop) -> None:
        """Make or take the extractor, compute all features, pretrain, fine-tune."""
        settings, dataset, split = self.settings, material.dataset, material.split
        samples, where = compound_samples(dataset), str(dataset.path)
        train, held = of_subjects(samples, split.train), of_subjects(samples, split.validation)
        require_positive_pair(held, "validate on", where)
        batches = self._batches(train, where)
        obtain_extractor(self.landmarks, settings.extractor, material, loop)
        features = self.features.of_samples(dataset, [*train, *held], loop)
        clips = self._clips(train, features)
        if settings.pretraining != "none":
            variants = self.features.of_variants(dataset, train, settings.variants, loop)
            self._pretrain(clips, train, variants, loop)
        self._fine_tune(clips, batches, held, self._clips(held, features), loop)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Score some subjects' compounds, and say how soon the training reached 0.8."""
        samples = of_subjects(compound_samples(dataset), subjects)
        require_positive_pair(samples, "measure on", str(dataset.path))
        clips = self._clips(samples, self.features.of_samples(dataset, samples))
        evaluation = score_embeddings(self.sequence.embed(clips), samples)
        evaluation.numbers[f"epochs_to_{MARK}"] = float(self.model.get_buffer("epochs_to_mark"))
        return evaluation

    def embed(self, clips: Iterable[np.ndarray]) -> np.ndarray:
        """Embeddings of clips by their crops, uint8 [T_i, S, S, 3] RGB each: float32 [N, n]."""
        features = map(self.features.of_crops, clips)
        n, stride = self.settings.neutral_frames, self.settings.stride
        return self.sequence.embed((clip - neutral(clip, n))[::stride] for clip in features)

    def _clips(self, samples: Sequence[Sample], features: Features) -> list[Tensor]:
        return [self._motion(sample, features) for sample in samples]

    def _pretrain(
        self, clips: Sequence[Tensor], train: Sequence[Sample], variants: Features, loop: Loop
    ) -> None:
        settings = self.settings

        def loss_at(step: Step) -> Tensor:
            sides: tuple[list[Tensor], list[Tensor]] = [], []
            for i in step.rng.permutation(len(train))[: settings.clips]:
                clip = self._motion(train[i], variants)
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

        loop.fit(
            "pretraining",
            self.sequence,
            loss_at,
            self._schedule(settings.pretraining_epochs, settings.pretraining_steps, settings.rate),
            prepare=lambda: self.sequence.standardise_by(clips),
        )

    def _fine_tune(
        self,
        clips: Sequence[Tensor],
        batches: PairBatches,
        held: Sequence[Sample],
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

        epochs = loop.fit(
            "fine-tuning",
            self.sequence,
            loss_at,
            self._schedule(settings.epochs, settings.steps, FINE_TUNING * settings.rate),
            prepare=(lambda: self.sequence.standardise_by(clips))
            if settings.pretraining == "none"
            else None,
            measure=lambda: self._measure(held, held_clips),
        )
        self.model.get_buffer("epochs_to_mark").fill_(epochs_to(MARK, epochs))

    def _pairs(self, first: list[Tensor], second: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Embeddings of clips and of their partners, float [P, n] each, in one pass."""
        embeddings = self.sequence(*pad([*first, *second], best_device()))
        return embeddings[: len(first)], embeddings[len(first) :]

    def _schedule(self, epochs: int, steps: int, rate: float) -> Schedule:
        """SGD with momentum 0.9 and a cosine after each step, as section 4 has it."""
        return Schedule(epochs, steps, rate, optimizer="sgd", warmup=0)

    def _measure(self, samples: Sequence[Sample], clips: Sequence[Tensor]) -> dict[str, float]:
        """Score after an epoch, in batches of like lengths: several times faster than `embed`."""
        order = np.argsort([len(clip) for clip in clips])
        parts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        rows = [self.sequence(*pad([clips[i] for i in part], best_device())) for part in parts]
        embeddings = torch.cat(rows).cpu().numpy()[np.argsort(order)]
        return score_embeddings(embeddings, samples).numbers

    def _motion(self, sample: Sample, features: Features) -> Tensor:
        """Return what the sequence encoder is given of a sample, float [..., T, m]."""
        clip = sample_features(sample, features, self.settings.neutral_frames)
        return clip[..., :: self.settings.stride, :]

    def _batches(self, train: Sequence[Sample], where: str) -> PairBatches:
        try:
            return PairBatches(train, self.settings.pairs)
        except ValueError as fault:
            raise DatasetError(
                str(fault),
                wanted="compounds of several kinds, each at least twice, to train on",
                where=where,
                todo="run `fmdata synth-compound` with more copies, or add takes and actions",
            ) from fault


def epochs_to(mark: float, epochs: Sequence[Epoch]) -> int:
    """Number of epochs until the average precision was `mark` or more; -1 if it never was."""
    reached = [i + 1 for i, epoch in enumerate(epochs) if epoch["average_precision"] >= mark]
    return reached[0] if reached else -1
