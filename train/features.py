"""What a frozen extractor sees in every frame, computed once.

A sequence encoder then trains on these features in minutes, where pixels would take hours. A
compound's frames are its sources' own, byte for byte, so it needs none of its own.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.train.data import Sample, images_of, scaled
from fmdata.train.loop import Loop, OnProgress, Progress, best_device, silent
from fmdata.train.networks.mobilefacenet import MobileFaceNet
from fmdata.train.views.colour import blur, distort, luma

Features: TypeAlias = Mapping[str, Tensor]
"""Features of the frames of action clips, float [T, m] each, by the clip's key."""


@torch.no_grad()
def features_of(extractor: MobileFaceNet, frames: np.ndarray, size: int, channels: int) -> Tensor:
    """Features of a clip's crops, uint8 [T, S, S, 3] RGB: float [T, m], on the CPU."""
    images = torch.from_numpy(images_of(frames, size, channels)).to(best_device())
    return extractor(scaled(images)).cpu()


def frame_features(
    extractor: MobileFaceNet,
    dataset: Dataset,
    samples: Iterable[Sample],
    size: int,
    channels: int,
    on_progress: OnProgress = silent,
) -> dict[str, Tensor]:
    """Features of every action clip that the samples consist of."""
    keys = list(dict.fromkeys(piece.source for sample in samples for piece in sample.pieces))
    features = {}
    for i, key in enumerate(keys):
        features[key] = features_of(extractor, dataset.actions[key].frames(), size, channels)
        on_progress(Progress("features", i + 1, len(keys), {}))
    return features


@torch.no_grad()
def varied_features(
    extractor: MobileFaceNet,
    dataset: Dataset,
    samples: Iterable[Sample],
    size: int,
    channels: int,
    variants: int,
    on_progress: OnProgress = silent,
) -> dict[str, Tensor]:
    """Features of the same clips in other colours and blurred, float [R, T, m] each.

    Variant r of a clip changes all its frames alike, and as variant r of the subject's other clips,
    so that the pieces of a compound go together. What is drawn follows from the subject alone.
    """
    subjects = {piece.source: sample.subject for sample in samples for piece in sample.pieces}
    features = {}
    for i, (key, subject) in enumerate(subjects.items()):
        seed = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:7])
        generator = torch.Generator().manual_seed(seed)
        frames = scaled(torch.from_numpy(images_of(dataset.actions[key].frames(), size, 3)))
        images = blur(distort(frames.repeat(variants, 1, 1, 1, 1), generator), generator)
        seen = luma(images) if channels == 1 else images
        features[key] = torch.stack([extractor(clip.to(best_device())).cpu() for clip in seen])
        on_progress(Progress("variants", i + 1, len(subjects), {}))
    return features


def sample_features(sample: Sample, features: Features, neutral_frames: int) -> Tensor:
    """Features of a sample's frames, float [..., T, m], cut from its sources'.

    They are taken relative to the neutral face at the start of the clip that the sample begins
    with, whether the sample has these frames or not: so trimming changes no frame's features.
    """
    clip = torch.cat([features[p.source][..., p.start : p.stop, :] for p in sample.pieces], dim=-2)
    return clip - neutral(features[sample.pieces[0].source], neutral_frames)


def neutral(clip: Tensor, n_frames: int) -> Tensor:
    """Mean of a clip's first frames' features, float [..., 1, m], of [..., T, m]; 0 for none."""
    if n_frames == 0:
        return torch.zeros_like(clip[..., :1, :])
    return clip[..., :n_frames, :].mean(dim=-2, keepdim=True)


def digest_of(
    extractor: MobileFaceNet, dataset: Dataset, samples: Iterable[Sample], size: int, channels: int
) -> str:
    """Digest of all that :func:`frame_features` depends on."""
    digest = hashlib.sha256(f"{size} {channels}".encode())
    for name, tensor in extractor.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    for text in (*dataset.digests(), *sorted({p.source for s in samples for p in s.pieces})):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


class FrozenFeatures:
    """Features by one extractor: computed once for a training and for what it is measured on.

    Parameters
    ----------
    extractor : MobileFaceNet
        Frozen whenever this is asked.
    size, channels : int
        Of the images that it sees.
    """

    def __init__(self, extractor: MobileFaceNet, size: int, channels: int) -> None:
        self._extractor, self._size, self._channels = extractor, size, channels
        self._known: tuple[str, Features] = "", {}

    def of_crops(self, frames: np.ndarray) -> Tensor:
        """Features of a clip's crops, uint8 [T, S, S, 3] RGB: float [T, m], on the CPU."""
        return features_of(self._extractor, frames, self._size, self._channels)

    def of_samples(
        self, dataset: Dataset, samples: Sequence[Sample], loop: Loop | None = None
    ) -> Features:
        """Features of all frames that samples consist of; `loop`, if there is one, keeps them."""
        seen = self._digest(dataset, [])
        sources = {piece.source for sample in samples for piece in sample.pieces}
        of, known = self._known
        if of == seen and sources <= known.keys():
            return known
        show = loop.on_progress if loop else silent

        def make() -> dict[str, Tensor]:
            size = self._size, self._channels
            return frame_features(self._extractor, dataset, samples, *size, show)

        made = loop.once("features", self._digest(dataset, samples), make) if loop else make()
        self._known = seen, made
        return made

    def of_variants(
        self, dataset: Dataset, samples: Sequence[Sample], variants: int, loop: Loop
    ) -> Features:
        """Features of the samples' clips in other colours and blurred, kept by `loop`."""

        def make() -> dict[str, Tensor]:
            how = self._size, self._channels, variants
            return varied_features(self._extractor, dataset, samples, *how, loop.on_progress)

        text = f"{self._digest(dataset, samples)} {variants}"
        return loop.once("variants", hashlib.sha256(text.encode()).hexdigest(), make)

    def _digest(self, dataset: Dataset, samples: Sequence[Sample]) -> str:
        return digest_of(self._extractor, dataset, samples, self._size, self._channels)
