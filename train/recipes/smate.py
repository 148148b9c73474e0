"""SMaTE: a video transformer that classifies actions, small enough for one CPU core.

Kim, Cho and Bae 2022, "SMaTE: A Segment-Level Feature Mixing and Temporal Encoding Framework for
Facial Expression Recognition". Settings give every row of their Tables 2 to 4. Their network is
ViViT-B, 171 million weights pretrained on Kinetics-400; this one starts at random weights.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train import distributed
from fmdata.train.data import scaled
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.metrics import Embeddings, Evaluation, confusion_of
from fmdata.train.networks.vivit import POSITIONS, VideoTransformer, mix_tokens
from fmdata.train.reading.classed import ClassedClip, ClipReader
from fmdata.train.reading.in_order import each_batch, in_batches, in_order, spread
from fmdata.train.reading.loader import Loader, LoaderSettings
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.clips import centre_crop, random_place
from fmdata.train.views.colour import distort, to_grey
from fmdata.train.views.texture import PLANES, with_mirrored_planes

# Channels of colour, and planes of texture.
CHANNELS = {"lbp": (0, PLANES), "colour": (3, 0), "both": (3, PLANES)}
LATE = 4, 3  # the paper's other test sets begin at a fourth and a third of the way to the apex
MAX_MEASURED = 512  # clips that the input is standardised by
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
        "and `copies` times as many cropped, rotated, flipped and colour-distorted copies (section "
        "3.1.2), drawn anew in each epoch; or mixed, the tokens of the original with those of "
        "copies (Eq. 7). Held-out clips are never changed."
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
                where=material.dataset.where,
                todo="add recordings of other actions and build again",
            )
        actions, reader = material.dataset.actions, self._reader(material.dataset)
        positions = self._positions(material.dataset, material.split.train)
        batches = self._batches(actions, reader, positions)

        def loss_at(step: Step) -> dict[str, Tensor]:
            labels = torch.tensor([c.label for c in step.items], device=best_device())
            pixels, is_copy = self._pixels(step.items), [c.is_copy for c in step.items]
            scores = self._head(self._embed(pixels, torch.tensor(is_copy), step.generator))
            loss = nn.functional.cross_entropy(scores, labels)
            return {"loss": loss, "accuracy": (scores.argmax(dim=1) == labels).float().mean()}

        def prepare() -> None:
            some = in_order(actions, reader, spread(positions, MAX_MEASURED), s.workers)
            self._transformer.standardise_by(
                self._plain(self._pixels(clips)) for clips in in_batches(some, s.batch)
            )

        # Copies stand beside the originals: an epoch passes over the clips as many times more.
        steps = -(-len(positions) // s.batch) * (1 + self._copies)
        schedule = Schedule(s.epochs, steps, s.rate, s.weight_decay, warmup=0.1)
        loop.fit(Phase("actions", self.model, loss_at, schedule, prepare=prepare, batches=batches))

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
        positions = self._positions(dataset, subjects)
        if len(positions) == 0:
            raise DatasetError(
                "no clip of a class that the model knows",
                wanted=f"clips of {', '.join(self.classes)}",
                where=dataset.where,
                todo="name a dataset that has such clips, or train on this one",
            )
        reader = self._reader(dataset, (0.0, *(1 / part for part in LATE)))
        found = each_batch(
            dataset.actions, reader, positions, self.settings.workers, self.settings.batch,
            self._classify,
        )  # fmt: skip
        clips = [clip for facts, _, _ in found for clip in facts]
        labels, subjects_of = np.array([c[0] for c in clips]), [c[1] for c in clips]
        vectors = np.concatenate([some for _, some, _ in found])
        predicted, *late = np.concatenate([some for _, _, some in found], axis=1)
        numbers = {"accuracy": float((predicted == labels).mean())}
        for part, of_part in zip(LATE, late, strict=True):
            numbers[f"accuracy_late_{part}"] = float((of_part == labels).mean())
        names = [self.classes[label] for label in labels]
        return Evaluation(
            numbers,
            embeddings=Embeddings(vectors, subjects_of, names),
            confusion=confusion_of(self.classes, labels, predicted),
        )

    def _batches(
        self, actions: Clips[ActionClip], reader: ClipReader, positions: np.ndarray
    ) -> Callable[[int], Iterator[list[ClassedClip]]]:
        """Return a function of a mini-batch's number, which yields that one and all after it."""
        s, ranks = self.settings, distributed.world()
        batch = min(s.batch, len(positions) // ranks) * ranks
        settings = LoaderSettings(batch=batch, seed=s.seed, workers=s.workers)
        loader = Loader(actions, reader.drawn, settings, positions)

        def batches(first: int) -> Iterator[list[ClassedClip]]:
            return (batch.items for batch in loader.batches(*divmod(first, loader.steps)))

        return batches

    def _reader(self, dataset: Dataset, shares: tuple[float, ...] = (0.0,)) -> ClipReader:
        column = class_column(dataset, self.settings.label)
        s, side = self.settings, round(self.settings.size * MARGIN)
        colours, planes = (n > 0 for n in CHANNELS[s.input])
        return ClipReader(
            column, tuple(self.classes), s.frames, s.stride, side, colours=colours, planes=planes,
            late_starts=s.late_starts, copies=self._copies, shares=shares,
        )  # fmt: skip

    @property
    def _copies(self) -> int:
        """Copies beside each original; those that are mixed with it do not count."""
        return self.settings.copies if self.settings.clips == "augmented" else 0

    def _positions(self, dataset: Dataset, subjects: Sequence[str]) -> np.ndarray:
        """Return the positions of the subjects' clips of known actions, int64 [N]."""
        column, known = class_column(dataset, self.settings.label), {*self.classes}
        rows = enumerate(dataset.actions.rows(["subject", column]))
        chosen = {*subjects}
        return np.array(
            [i for i, r in rows if r["subject"] in chosen and str(r[column]) in known], np.int64
        )

    def _pixels(self, clips: Sequence[ClassedClip], start: int = 0) -> Tensor:
        """Return clips from one of their starts on, float [B, frames, C, S, S], 0 to 1."""
        pixels = np.stack([clip.frames[start] for clip in clips])
        return scaled(torch.from_numpy(pixels).to(best_device()))

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
        self, clips: Sequence[ClassedClip]
    ) -> tuple[list[tuple[int, str]], np.ndarray, np.ndarray]:
        """Embed and classify clips.

        Returns
        -------
        facts : list of (int, str)
            Class and subject of each.
        vectors : float32 [B, width]
            Embeddings from the first start on.
        predicted : int [K, B]
            Predicted classes from each start on.
        """
        every = [
            self._transformer(self._plain(self._pixels(clips, k)))
            for k in range(len(clips[0].frames))
        ]
        predicted = [self._head(embedded).argmax(dim=1).cpu().numpy() for embedded in every]
        facts = [(clip.label, clip.subject) for clip in clips]
        return facts, every[0].float().cpu().numpy(), np.stack(predicted)
