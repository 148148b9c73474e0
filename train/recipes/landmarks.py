"""The spatial feature extractor of 2022 and 2023, trained on the user's own shards.

Sun et al. 2022, section 2.1: a MobileFaceNet trained to locate 68 landmarks (SFE-L) or, for
comparison, to classify expressions (SFE-E), and used without its head. The paper's networks are
trained on 300-W and RAF-DB. Here the targets are the shards' landmarks of every frame, and the
action shown by the frames near an apex.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import Settings, choice, number
from fmdata.train.data import Faces, crop_landmarks, images_of, keys_of, scaled, spread_frames
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.faces import landmark_loss
from fmdata.train.metrics import Evaluation, confusion_of
from fmdata.train.networks.mobilefacenet import MobileFaceNet
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.faces import jitter_faces

N_POINTS = 68
OUTER_EYE_CORNERS = 36, 45  # among the 68 points
NEUTRAL = "neutral"
PLATEAU = 0.7  # share of the peak intensity from which a frame shows the expression
BATCH = 256  # images at once without gradients


@dataclass(frozen=True)
class ExtractorSettings(Settings):
    """Settings of a spatial feature extractor."""

    task: str = choice(
        "landmarks", "expressions", help="Training task: landmarks (SFE-L) or expressions (SFE-E)."
    )
    size: int = number(56, 16, 1024, help="Side of the input images, in pixels.")
    channels: int = choice(1, 3, help="Channels of the input images: 1 grey, 3 RGB.")
    width: float = number(
        0.25, 0.01, 4, help="Multiplier of the layers' widths; 1 is the published MobileFaceNet."
    )
    frames: int = number(
        16, 1, help="Frames of a clip to train on; neighbouring frames are nearly alike."
    )
    epochs: int = number(5, 1, help="Number of epochs.")
    steps: int = number(16, 1, help="Mini-batches in an epoch.")
    batch: int = number(64, 2, help="Images in a mini-batch.")
    rate: float = number(3e-3, 0, 1, help="Highest learning rate of AdamW.")
    weight_decay: float = number(0.01, 0, 1, help="Weight decay of AdamW.")


@dataclass(frozen=True)
class LandmarkSettings(RecipeSettings, ExtractorSettings):
    """Settings of the recipe ``landmarks``."""

    @property
    def without_classes(self) -> str:
        """Why a label is of no use, in words."""
        return "" if self.task == "expressions" else "task = landmarks has no classes"


class Landmarks:
    """The recipe ``landmarks``."""

    Settings: ClassVar[type[LandmarkSettings]] = LandmarkSettings

    def __init__(
        self, settings: ExtractorSettings, classes: Sequence[str], label: str = ""
    ) -> None:
        self.settings = settings
        self._label = settings.label if isinstance(settings, LandmarkSettings) else label
        self.classes = list(classes)
        self.names = list(dict.fromkeys([NEUTRAL, *classes]))  # a label may name it too
        self.extractor = MobileFaceNet(settings.size, settings.channels, settings.width)
        n_out = 2 * N_POINTS if settings.task == "landmarks" else len(self.names)
        head = [nn.Linear(self.extractor.n_features, n_out, bias=False), nn.BatchNorm1d(n_out)]
        self.head = nn.Sequential(*head)
        self.model = nn.ModuleDict({"extractor": self.extractor, "head": self.head})

    def train(self, material: Material, loop: Loop) -> None:
        """Train extractor and head; the model of `loop` is, or contains, this recipe's model."""
        settings, device = self.settings, best_device()
        dataset, split = material.dataset, material.split
        faces, held = self._read(dataset, split.train), self._read(dataset, split.validation)
        schedule = Schedule(settings.epochs, settings.steps, settings.rate, settings.weight_decay)

        def loss_at(step: Step) -> Tensor:
            chosen = torch.randint(len(faces.images), (settings.batch,), generator=step.generator)
            x, y = scaled(faces.images[chosen].to(device)), faces.landmarks[chosen].to(device)
            x, y = jitter_faces(x, y, step.generator)
            if settings.task == "landmarks":
                return landmark_loss(self._points(x), y)
            return nn.functional.cross_entropy(self._raw(x), faces.labels[chosen].to(device))

        loop.fit(
            Phase(
                settings.task,
                self.model,
                loss_at,
                schedule,
                prepare=lambda: self._start_at(faces.landmarks),
                measure=lambda: self._measure(held),
            )
        )

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the landmark error in interocular distances, or accuracy and confusion."""
        held = self._read(dataset, subjects)
        with torch.no_grad():
            numbers = self._measure(held)
            if self.settings.task == "landmarks":
                return Evaluation(numbers)
            predicted = self._over(held.images, self._raw).argmax(dim=1)
        confusion = confusion_of(self.names, held.labels.numpy(), predicted.numpy())
        return Evaluation(numbers, confusion=confusion)

    def _raw(self, images: Tensor) -> Tensor:
        features = self.extractor(images)
        # In bfloat16 a landmark would have a resolution of 1/256 of the crop at best.
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())

    def _points(self, images: Tensor) -> Tensor:
        """Map images, float [B, C, H, W], 0 to 1, to landmarks, float [B, 68, 2] in crop sides."""
        return self._raw(images).unflatten(1, (N_POINTS, 2))

    def _over(self, images: Tensor, network: Callable[[Tensor], Tensor]) -> Tensor:
        parts = [network(scaled(x.to(best_device()))).cpu() for x in images.split(BATCH)]
        return torch.cat(parts)

    def _measure(self, held: Faces) -> dict[str, float]:
        if self.settings.task == "landmarks":
            found = self._over(held.images, self._points)
            return {"landmark_error": landmark_error(found, held.landmarks)}
        predicted = self._over(held.images, self._raw).argmax(dim=1)
        return {"accuracy": float((predicted == held.labels).float().mean())}

    @torch.no_grad()
    def _start_at(self, landmarks: Tensor) -> None:
        """Give the first predictions the mean and spread of `landmarks`, float [N, 68, 2]."""
        if self.settings.task == "landmarks":
            norm = self.head[1]
            assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
            norm.bias.copy_(landmarks.flatten(1).mean(dim=0))
            norm.weight.copy_(landmarks.flatten(1).std(dim=0))

    def _read(self, dataset: Dataset, subjects: Sequence[str]) -> Faces:
        """Read frames with a detected face from every clip of some subjects.

        Raises
        ------
        DatasetError
            When there is no such frame.
        """
        column = class_column(dataset, self._label if self.settings.task == "expressions" else "")
        keys = keys_of(dataset, subjects)
        clips = [self._frames(dataset.actions[key], column) for key in keys]
        images, landmarks, labels = (np.concatenate(parts) for parts in zip(*clips, strict=True))
        if len(images) == 0:
            raise DatasetError(
                f"no frame to train {self.settings.task} on, or to measure them on",
                wanted="detected faces and, for expressions, motions of known actions",
                where=str(dataset.path),
                todo="add recordings and build again",
            )
        return Faces(*(torch.from_numpy(x) for x in (images, landmarks, labels)))

    def _frames(self, clip: ActionClip, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        settings = self.settings
        usable = clip.column("detected").astype(bool)
        labels = np.zeros(len(usable), np.int64)
        if settings.task == "expressions":
            # Frames between neutral and the plateau belong to neither class.
            intensity, action = clip.intensity, str(clip.row[column])
            shown = intensity >= PLATEAU * intensity.max()
            # A clip without a motion may hold a missed one; an action that no training subject
            # shows is no class.
            if clip.motion is None or action not in self.classes:
                usable[:] = False
            else:
                onset = clip.motion.onset
                usable &= (np.arange(len(usable)) < onset) | shown
                labels[onset:] = self.names.index(action)
        chosen = spread_frames(np.flatnonzero(usable), settings.frames)
        images = images_of(clip.frames(chosen.tolist()), settings.size, settings.channels)
        return images, crop_landmarks(clip)[chosen], labels[chosen]


def landmark_error(found: Tensor, landmarks: Tensor) -> float:
    """Return the mean distance of 68 points, float [N, 68, 2], from the true ones, in true IOD."""
    left, right = (landmarks[:, i] for i in OUTER_EYE_CORNERS)
    distance = (found - landmarks).norm(dim=2).mean(dim=1)
    return float((distance / (left - right).norm(dim=1)).mean())
