"""Features of every frame by a frozen extractor, computed once.

A sequence encoder trains on these features in minutes, where pixels would take hours. The frames
of a compound are copies of its sources' frames, so it shares their features.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset, prefetch
from fmdata.catalog.progress import SILENT, Progress
from fmdata.train.data import LabelledClip, images_of, scaled
from fmdata.train.distributed import best_device, divided
from fmdata.train.loop import Loop
from fmdata.train.networks.mobilefacenet import MobileFaceNet
from fmdata.train.views.colour import blur, distort, luma

Features: TypeAlias = Mapping[str, Tensor]
"""Features of the frames of action clips, float [T, m] each, by the clip's key."""


def features_of(extractor: MobileFaceNet, frames: np.ndarray, size: int, channels: int) -> Tensor:
    """Map a clip's crops, uint8 [T, S, S, 3] RGB, to features, float [T, m], on the CPU."""
    return _mapped(extractor, images_of(frames, size, channels))


@torch.no_grad()
def _mapped(extractor: MobileFaceNet, images: np.ndarray) -> Tensor:
    """Map images, uint8 [T, C, S, S], to features, float [T, m], on the CPU."""
    return extractor(scaled(torch.from_numpy(images).to(best_device()))).cpu()


def frame_features(
    extractor: MobileFaceNet,
    dataset: Dataset,
    samples: Iterable[LabelledClip],
    size: int,
    channels: int,
    progress: Progress = SILENT,
) -> dict[str, Tensor]:
    """Compute the features of every action clip that the samples consist of.

    The work is divided among the processes.
    """
    keys = list(dict.fromkeys(piece.source for sample in samples for piece in sample.pieces))

    def run(part: range) -> Iterator[Tensor]:
        progress.start("train: features", len(part), "clips")
        clips = (dataset.actions[keys[i]] for i in part)
        for _, images in prefetch(clips, lambda clip: images_of(clip.frames(), size, channels)):
            yield _mapped(extractor, images)
            progress.step()

    return dict(zip(keys, divided(len(keys), run), strict=True))


def varied_features(
    extractor: MobileFaceNet,
    dataset: Dataset,
    samples: Iterable[LabelledClip],
    size: int,
    channels: int,
    variants: int,
    progress: Progress = SILENT,
) -> dict[str, Tensor]:
    """Compute features of the same clips with changed colours and blur, float [R, T, m] each.

    Variant r changes all frames of all clips of a subject alike, so that the pieces of a compound
    match. The draw depends on the subject alone. The work is divided among the processes.
    """
    subjects = {piece.source: sample.subject for sample in samples for piece in sample.pieces}
    keys = list(subjects)

    @torch.no_grad()
    def mapped(key: str, pixels: np.ndarray) -> Tensor:
        seed = int.from_bytes(hashlib.sha256(subjects[key].encode()).digest()[:7])
        generator = torch.Generator().manual_seed(seed)
        frames = scaled(torch.from_numpy(pixels))
        images = blur(distort(frames.repeat(variants, 1, 1, 1, 1), generator), generator)
        seen = luma(images) if channels == 1 else images
        return torch.stack([extractor(variant.to(best_device())).cpu() for variant in seen])

    def run(part: range) -> Iterator[Tensor]:
        progress.start("train: variants", len(part), "clips")
        clips = (dataset.actions[keys[i]] for i in part)
        for clip, pixels in prefetch(clips, lambda clip: images_of(clip.frames(), size, 3)):
            yield mapped(clip.key, pixels)
            progress.step()

    return dict(zip(keys, divided(len(keys), run), strict=True))


def sample_features(sample: LabelledClip, features: Features, neutral_frames: int) -> Tensor:
    """Return the features of a sample's frames, float [..., T, m], from those of its sources.

    They are relative to the neutral face at the start of the sample's first source clip, whether
    or not the sample contains those frames, so that trimming changes no frame's features.
    """
    clip = torch.cat([features[p.source][..., p.start : p.stop, :] for p in sample.pieces], dim=-2)
    return clip - neutral(features[sample.pieces[0].source], neutral_frames)


def neutral(clip: Tensor, n_frames: int) -> Tensor:
    """Return the mean of a clip's first frames, [..., T, m] to [..., 1, m]; 0 for no frames."""
    if n_frames == 0:
        return torch.zeros_like(clip[..., :1, :])
    return clip[..., :n_frames, :].mean(dim=-2, keepdim=True)


def digest_of(
    extractor: MobileFaceNet,
    dataset: Dataset,
    samples: Iterable[LabelledClip],
    size: int,
    channels: int,
) -> str:
    """Return the digest of all inputs of :func:`frame_features`."""
    digest = hashlib.sha256(f"{size} {channels}".encode())
    for name, tensor in extractor.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    for text in (*dataset.digests(), *sorted({p.source for s in samples for p in s.pieces})):
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()


class FrozenFeatures:
    """Features by one extractor, computed once for training and evaluation.

    Parameters
    ----------
    extractor : MobileFaceNet
        Its weights must not change while features are computed.
    size, channels : int
        Side and channels of the images that it takes.
    """

    def __init__(self, extractor: MobileFaceNet, size: int, channels: int) -> None:
        self._extractor, self._size, self._channels = extractor, size, channels
        self._known: tuple[str, Features] = "", {}

    def of_crops(self, frames: np.ndarray) -> Tensor:
        """Map a clip's crops, uint8 [T, S, S, 3] RGB, to features, float [T, m], on the CPU."""
        return features_of(self._extractor, frames, self._size, self._channels)

    def of_samples(
        self, dataset: Dataset, samples: Sequence[LabelledClip], loop: Loop | None = None
    ) -> Features:
        """Return the features of all frames of the samples; `loop`, if given, stores them."""
        inputs = self._digest(dataset, [])
        sources = {piece.source for sample in samples for piece in sample.pieces}
        known_inputs, known = self._known
        if known_inputs == inputs and sources <= known.keys():
            return known
        progress = loop.progress if loop else SILENT

        def make() -> dict[str, Tensor]:
            size = self._size, self._channels
            return frame_features(self._extractor, dataset, samples, *size, progress)

        made = loop.once("features", self._digest(dataset, samples), make) if loop else make()
        self._known = inputs, made
        return made

    def of_variants(
        self, dataset: Dataset, samples: Sequence[LabelledClip], variants: int, loop: Loop
    ) -> Features:
        """Return the features of :func:`varied_features`, stored by `loop`."""

        def make() -> dict[str, Tensor]:
            sizes = self._size, self._channels, variants
            return varied_features(self._extractor, dataset, samples, *sizes, loop.progress)

        text = f"{self._digest(dataset, samples)} {variants}"
        return loop.once("variants", hashlib.sha256(text.encode()).hexdigest(), make)

    def _digest(self, dataset: Dataset, samples: Sequence[LabelledClip]) -> str:
        return digest_of(self._extractor, dataset, samples, self._size, self._channels)
