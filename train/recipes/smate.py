"""SMaTE: a video transformer that classifies actions, small enough for one CPU core.

Kim, Cho and Bae 2022, "SMaTE: A Segment-Level Feature Mixing and Temporal Encoding Framework for
Facial Expression Recognition". Settings give every row of their Tables 2 to 4. Their network is
ViViT-B, 171 million weights pretrained on Kinetics-400; this one starts at random weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset, prefetch
from fmdata.catalog.clip import Clip
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train.data import images_of, scaled
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.metrics import Embeddings, Evaluation, confusion_of
from fmdata.train.networks.vivit import POSITIONS, VideoTransformer, mix_tokens
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.clips import centre_crop, random_place
from fmdata.train.views.colour import distort, to_grey
from fmdata.train.views.frames import late_start, random_start, sample_frames
from fmdata.train.views.texture import PLANES, planes_of, with_mirrored_planes

# Channels of colour, and planes of texture.
CHANNELS = {"lbp": (0, PLANES), "colour": (3, 0), "both": (3, PLANES)}
MARGIN = 8 / 7  # side of an image before and after cropping: 256 to 224 pixels in section 4.2


@dataclass(frozen=True)
class SmateSettings(RecipeSettings):
    """Settings of SMaTE; the defaults are the last row of Table 4, made small."""

    without_classes = ""
    positions: str = choice(
        *POSITIONS, help="Positions of time: tpe2 (Eq. 10), tpe1 (Eq. 9), bert (learnt), or none."
    )
    alpha: float = number(
        1.0, 0.1, 10, help="Alpha of Eq. 9 and 10; the paper gives none. Eq. 10 stays within 0 to "
        "1 for an alpha of at most 1."
    )  # fmt: skip
    input: str = choice(
        "lbp", "colour", "both", help="Input of the network: texture in place of colour, colour, "
        "or both as channels. Texture is the eight bits of the shards' own LBP maps, made at full "
        "size, each averaged down to a channel."
    )  # fmt: skip
    motion_input: bool = flag(
        False, help="Subtract each clip's mean over time: what remains is motion. The paper does "
        "not."
    )  # fmt: skip
    clips: str = choice(
        "mixed", "augmented", "original", help="Training clips: original; augmented, the originals "
        "and as many cropped, rotated, flipped and colour-distorted copies as `copies` times "
        "(section 3.1.2), drawn anew in each epoch; or mixed, the tokens of the original with "
        "those of copies (Eq. 7). Held-out clips are never changed."
    )  # fmt: skip
    flip: bool = flag(True, help="Let the augmentation flip; false for actions that name a side.")
    copies: int = number(1, 1, 8, help="Augmented copies of a clip; N of Eq. 7.")
    mixed_share: float = number(0.5, 0, 1, help="P(X = 1) of Eq. 7, for each token.")
    late_starts: bool = flag(
        False, help="Begin training clips also at a quarter, a third or half of the way to the "
        "apex (Fig. 1)."
    )  # fmt: skip
    frames: int = number(25, 2, 1024, help="Number of frames of the input.")
    stride: int = number(2, 1, 64, help="Step between two of these frames.")
    size: int = number(32, 8, 512, help="Side of the images, in pixels.")
    patch: int = number(8, 1, 64, help="Side of a tubelet, in pixels.")
    tubelet: int = number(2, 1, 64, help="Length of a tubelet, in frames.")
    width: int = number(64, 2, 2048, help="Width of a token.")
    heads: int = number(4, 1, 64, help="Attention heads of a layer.")
    spatial_layers: int = number(2, 1, 48, help="Layers of the spatial transformer.")
    temporal_layers: int = number(2, 1, 48, help="Layers of the temporal transformer.")
    dropout: float = number(0.0, 0, 0.9, help="Dropout in the layers.")
    epochs: int = number(10, 1, help="Number of epochs.")
    batch: int = number(8, 1, help="Clips in a mini-batch.")
    rate: float = number(1e-3, 0, 1, help="Highest learning rate of AdamW.")
    weight_decay: float = number(0.05, 0, 10, help="Weight decay of AdamW.")

    def __post_init__(self) -> None:
        super().__post_init__()
        violations = {
            f"`patch`, {self.patch}, to divide `size`, {self.size}": self.size % self.patch,
            f"`heads`, {self.heads}, to divide `width`, {self.width}": self.width % self.heads,
            f"`tubelet`, {self.tubelet}, within `frames`, {self.frames}": (
                self.tubelet > self.frames
            ),
        }
        for wanted, is_violated in violations.items():
            if is_violated:
                raise UsageError(
                    "an impossible network",
                    wanted=wanted,
                    where="the settings of `smate`",
                    todo="change one of the two",
                )


@dataclass(frozen=True)
class ClassedClip:
    """A clip in memory: uint8 [T, C, S, S], its apex (T for none), class and subject."""

    frames: np.ndarray
    apex: int
    label: int
    subject: str


class Smate:
    """The recipe ``smate``."""

    Settings = SmateSettings

    def __init__(self, settings: SmateSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes, s = settings, list(classes), settings
        self._transformer = VideoTransformer(
            sum(CHANNELS[s.input]), s.frames, s.size, s.tubelet, s.patch, s.width, s.heads,
            s.spatial_layers, s.temporal_layers, s.dropout, s.positions, s.alpha,
            motion=s.motion_input,
        )  # fmt: skip
        self._head = nn.Linear(s.width, len(self.classes))
        self.model = nn.ModuleDict({"transformer": self._transformer, "head": self._head})

    def train(self, material: Material, loop: Loop) -> None:
        """Train with cross-entropy, in one phase.

        Raises
        ------
        DatasetError
            When the training subjects show a single action.
        """
        s = self.settings
        if len(self.classes) < 2:
            raise DatasetError(
                f"one class only: {', '.join(self.classes)}",
                wanted="at least two actions, or values of a label, to classify",
                where=str(material.dataset.path),
                todo="add recordings of other actions and build again",
            )
        clips = self._read(material.dataset, material.split.train)
        # Copies stand beside the originals, as further clips.
        n = len(clips) * (1 + s.copies if s.clips == "augmented" else 1)

        def loss_at(step: Step) -> dict[str, Tensor]:
            drawn = step.rng.permutation(n)[: s.batch]
            chosen = [clips[i % len(clips)] for i in drawn]
            starts = [random_start(c.apex, step.rng) if s.late_starts else 0 for c in chosen]
            labels = torch.tensor([c.label for c in chosen], device=best_device())
            is_copy = torch.from_numpy(drawn >= len(clips))
            pixels = self._pixels(chosen, starts)
            scores = self._head(self._embed(pixels, is_copy, step.generator))
            loss = nn.functional.cross_entropy(scores, labels)
            return {"loss": loss, "accuracy": (scores.argmax(dim=1) == labels).float().mean()}

        def prepare() -> None:
            batches = (clips[i : i + s.batch] for i in range(0, len(clips), s.batch))
            self._transformer.standardise_by(
                self._plain(self._pixels(some, [0] * len(some))) for some in batches
            )

        steps = max(1, n // s.batch)
        schedule = Schedule(s.epochs, steps, s.rate, s.weight_decay, warmup=0.1)
        loop.fit(Phase("actions", self.model, loss_at, schedule, prepare=prepare))

    @torch.no_grad()
    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure accuracy, confusion and embeddings of clips whose action is a known class.

        ``accuracy_late_4`` and ``_3`` are those of clips that begin at a quarter and a third of the
        way to the apex, the other two test sets of the paper's Fig. 2.

        Raises
        ------
        DatasetError
            When there is no such clip.
        """
        clips = self._read(dataset, subjects)
        if not clips:
            raise DatasetError(
                "no clip of a class that the model knows",
                wanted=f"clips of {', '.join(self.classes)}",
                where=str(dataset.path),
                todo="name a dataset that has such clips, or train on this one",
            )
        labels = np.array([c.label for c in clips])
        vectors, predicted = self._classify(clips, 0.0)
        numbers = {"accuracy": float((predicted == labels).mean())}
        for part in (4, 3):
            late = self._classify(clips, 1 / part)[1]
            numbers[f"accuracy_late_{part}"] = float((late == labels).mean())
        names = [self.classes[label] for label in labels]
        return Evaluation(
            numbers,
            embeddings=Embeddings(vectors, [c.subject for c in clips], names),
            confusion=confusion_of(self.classes, labels, predicted),
        )

    def _read(self, dataset: Dataset, subjects: Sequence[str]) -> list[ClassedClip]:
        """Read the subjects' clips of known actions once, as small images."""
        side, label = round(self.settings.size * MARGIN), {c: i for i, c in enumerate(self.classes)}
        column = class_column(dataset, self.settings.label)
        of_subjects = (c for c in dataset.actions if c.subject in subjects)
        chosen = (c for c in of_subjects if str(c.row[column]) in label)
        return [
            ClassedClip(
                images,
                clip.motion.apex if clip.motion else clip.n_frames,
                label[str(clip.row[column])],
                clip.subject,
            )
            for clip, images in prefetch(chosen, lambda clip: self._images(clip, side))
        ]

    def _images(self, clip: Clip, side: int) -> np.ndarray:
        """Return the small images of a clip, uint8 [T, C, side, side]: colour, then texture."""
        colours, planes = CHANNELS[self.settings.input]
        parts = [images_of(clip.frames(), side, 3)] if colours else []
        parts += [planes_of(clip.lbp(), side)] if planes else []
        return np.concatenate(parts, axis=1)

    def _pixels(self, clips: Sequence[ClassedClip], starts: Sequence[int]) -> Tensor:
        """Sample frames of clips from their starts on, float [B, frames, C, S, S], 0 to 1."""
        s = self.settings
        sampled = [
            clip.frames[sample_frames(len(clip.frames), s.frames, s.stride, start)]
            for clip, start in zip(clips, starts, strict=True)
        ]
        return scaled(torch.from_numpy(np.stack(sampled)).to(best_device()))

    def _embed(self, pixels: Tensor, is_copy: Tensor, generator: torch.Generator) -> Tensor:
        """Embed training clips, [B, frames, C, S, S]: as they are, as copies, or mixed."""
        s, network = self.settings, self._transformer
        plain = self._plain(pixels)
        if s.clips == "original":
            return network(plain)
        if s.clips == "augmented":
            chosen = is_copy.to(pixels.device)[:, None, None, None, None]
            return network(torch.where(chosen, self._augmented(pixels, generator), plain))
        original = network.tokens(plain)
        copies = [network.tokens(self._augmented(pixels, generator)) for _ in range(s.copies)]
        mixed = torch.rand(original.shape[:3], generator=generator) < s.mixed_share
        return network.encode(mix_tokens(original, copies, mixed.to(original.device)))

    def _plain(self, pixels: Tensor) -> Tensor:
        return centre_crop(pixels, self.settings.size)

    def _augmented(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """Crop, rotate and flip clips at random; distort their colours, which no texture has."""
        s = self.settings
        placed, mirrored = random_place(pixels, s.size, generator, flip=s.flip)
        colours, planes = placed.split(CHANNELS[s.input], dim=2)
        if colours.shape[2]:
            colours = to_grey(distort(colours, generator, share=0.8), generator)
        if planes.shape[2]:
            planes = with_mirrored_planes(planes, mirrored)
        return torch.cat([colours, planes], dim=2)

    def _classify(
        self, clips: Sequence[ClassedClip], share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Embed and classify clips that begin at a share of the way to their apex.

        Returns
        -------
        vectors : float32 [N, width]
        predicted : int [N]
        """
        vectors, predicted = [], []
        for i in range(0, len(clips), self.settings.batch):
            some = clips[i : i + self.settings.batch]
            pixels = self._pixels(some, [late_start(c.apex, share) for c in some])
            embedded = self._transformer(self._plain(pixels))
            vectors.append(embedded.float().cpu().numpy())
            predicted.append(self._head(embedded).argmax(dim=1).cpu().numpy())
        return np.concatenate(vectors), np.concatenate(predicted)
