"""The common part of the encoders of 2022 and 2023: a frozen extractor, then a sequence encoder.

The spatial feature extractor is that of the recipe ``landmarks``: trained first, or taken from a
finished run. Promise: an extractor that was trained on held-out subjects is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import ModelError
from fmdata.catalog.settings import Settings, flag, number, table, text
from fmdata.train.data import LabelledClip, require_positive_pair
from fmdata.train.distributed import divided
from fmdata.train.features import Features, FrozenFeatures, neutral, sample_features
from fmdata.train.loop import Loop
from fmdata.train.metrics import Evaluation, score_embeddings
from fmdata.train.model_file import load, trained_on
from fmdata.train.networks.sequence import SequenceEncoder, SequenceShape
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, Landmarks

T = TypeVar("T")


@dataclass(frozen=True)
class MotionSettings(RecipeSettings):
    """Settings that both encoders have."""

    extractor: str = text(
        "", help="Folder of a run of `landmarks` whose extractor to take; empty: train one first."
    )
    landmarks: ExtractorSettings = table(
        ExtractorSettings, help="The extractor. One that is taken must have this size, channels "
        "and width."
    )  # fmt: skip
    sequence: SequenceShape = table(SequenceShape, help="The sequence encoder.")
    shared_takes: bool = flag(
        False, help="Also count two compounds of one motion as a positive pair that share a take, "
        "and so show the same pixels; in training and in evaluation."
    )  # fmt: skip
    neutral_frames: int = number(
        3, 0, help="Frames at a clip's start whose mean features are subtracted from the clip's, "
        "which removes the identity. With the papers' 59 subjects an encoder learns to ignore the "
        "identity; with two or three it cannot. 0: the features as the papers have them."
    )  # fmt: skip


class MotionEncoder:
    """Base of the two encoders: extractor, features and sequence encoder.

    Attributes
    ----------
    landmarks : Landmarks
        Recipe of the extractor.
    features : FrozenFeatures
        Features by the extractor.
    sequence : SequenceEncoder
    model : ModuleDict
        Extractor with its head, and sequence encoder.
    stride : int
        The sequence encoder takes every `stride`-th frame.
    """

    Settings: ClassVar[type[MotionSettings]] = MotionSettings

    def __init__(self, settings: MotionSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes, self.stride = settings, list(classes), 1
        self.landmarks = Landmarks(settings.landmarks, classes, settings.label)
        self.extractor, shape = self.landmarks.extractor, settings.landmarks
        self.features = FrozenFeatures(self.extractor, shape.size, shape.channels)
        self.sequence = SequenceEncoder(self.extractor.n_features, settings.sequence)
        self.model = nn.ModuleDict({"landmarks": self.landmarks.model, "sequence": self.sequence})

    def embed(self, clips: Iterable[np.ndarray]) -> np.ndarray:
        """Embed clips by their crops, uint8 [T_i, S, S, 3] RGB each: float32 [N, n]."""
        n, stride = self.settings.neutral_frames, self.stride
        features = map(self.features.of_crops, clips)
        return self.sequence.embed((clip - neutral(clip, n))[::stride] for clip in features)

    def _embedded(self, clips: Sequence[T], features_of: Callable[[T], Tensor]) -> np.ndarray:
        """Embed clips by their features, float32 [N, n]; divided among the processes."""

        def run(part: range) -> Iterable[np.ndarray]:
            return self.sequence.embed(features_of(clips[i]) for i in part)

        rows = divided(len(clips), run)
        return np.concatenate([self.sequence.embed([]), *(row[None] for row in rows)])

    def _scored(self, embeddings: np.ndarray, samples: Sequence[LabelledClip]) -> Evaluation:
        """Score the pairs of samples by their embeddings, float [N, n], of length 1."""
        shared = self.settings.shared_takes
        return score_embeddings(embeddings, samples, shared_takes=shared)

    def _require_pair(
        self, samples: Sequence[LabelledClip], purpose: str, dataset: Dataset
    ) -> None:
        """Refuse samples without a positive pair that counts, by :func:`require_positive_pair`."""
        where, shared = dataset.where, self.settings.shared_takes
        require_positive_pair(samples, purpose, where, shared_takes=shared)

    def motion_features(self, sample: LabelledClip, features: Features) -> Tensor:
        """Return the sequence encoder's input for a sample, float [..., T, m]."""
        clip = sample_features(sample, features, self.settings.neutral_frames)
        return clip[..., :: self.stride, :]

    def obtain_extractor(self, material: Material, loop: Loop) -> None:
        """Train an extractor, or take the one of a finished run of ``landmarks``.

        Raises
        ------
        ModelError
            When there is no such run, or its extractor has another shape or was trained on
            subjects that are held out here.
        """
        run, landmarks = self.settings.extractor, self.landmarks
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
        shared = sorted(known.subjects & {*material.split.validation})
        if shared and known.shares(material.dataset):
            raise ModelError(
                f"an extractor that was trained on held-out subjects: {', '.join(shared[:5])}",
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
