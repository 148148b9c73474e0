"""The spatial feature extractor of 2022 and 2023, trained on the user's own shards.

Sun et al. 2022, section 2.1: a MobileFaceNet trained to locate 68 landmarks (SFE-L) or, for
comparison, to classify expressions (SFE-E), and used without its head. The paper's networks are
trained on 300-W and RAF-DB. Here the targets are the shards' landmarks of every frame, and the
action shown by the frames near an apex.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import Settings, choice, number
from fmdata.train.data import Faces, scaled
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.faces import landmark_loss
from fmdata.train.metrics import Evaluation, confusion_of
from fmdata.train.networks.mobilefacenet import MobileFaceNet
from fmdata.train.reading.faces import FaceReader
from fmdata.train.reading.images import Arrays, ImageBatches
from fmdata.train.reading.in_order import each_batch, in_order, positions_of, spread
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.faces import jitter_faces

T = TypeVar("T")
N_POINTS = 68
OUTER_EYE_CORNERS = 36, 45  # among the 68 points
NEUTRAL = "neutral"
BATCH = 256  # images at once without gradients
MAX_HELD, MAX_SHAPES = 256, 512  # clips that are measured after an epoch, and that begin the head


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
        self._label, self._workers = label, 0
        if isinstance(settings, LandmarkSettings):
            self._label, self._workers = settings.label, settings.workers
        self.classes = list(classes)
        self.names = list(dict.fromkeys([NEUTRAL, *classes]))  # a label may name it too
        self.extractor = MobileFaceNet(settings.size, settings.channels, settings.width)
        n_out = 2 * N_POINTS if settings.task == "landmarks" else len(self.names)
        head = [nn.Linear(self.extractor.n_features, n_out, bias=False), nn.BatchNorm1d(n_out)]
        self.head = nn.Sequential(*head)
        self.model = nn.ModuleDict({"extractor": self.extractor, "head": self.head})

    def train(self, material: Material, loop: Loop) -> None:
        """Train extractor and head; the model of `loop` is, or contains, this recipe's model."""
        settings, device, split = self.settings, best_device(), material.split
        actions, reader = material.dataset.actions, self._reader(material.dataset)
        positions = positions_of(actions, split.train)
        faces = ImageBatches(
            actions, reader, positions, batch=settings.batch, per_clip=settings.frames,
            seed=loop.seed, workers=loop.workers,
        )  # fmt: skip
        held = spread(positions_of(actions, split.validation), MAX_HELD)
        held_faces = self._each_batch(material.dataset, held, _joined, loop.workers)

        def loss_at(step: Step) -> Tensor:
            images, landmarks, labels = (torch.from_numpy(x).to(device) for x in step.items)
            x, y = jitter_faces(scaled(images), landmarks, step.generator)
            if settings.task == "landmarks":
                return landmark_loss(self._points(x), y)
            return nn.functional.cross_entropy(self._raw(x), labels)

        def prepare() -> None:
            shapes = in_order(actions, reader.points, spread(positions, MAX_SHAPES), loop.workers)
            self._start_at(torch.from_numpy(np.concatenate(list(shapes))))

        def measure() -> dict[str, float]:
            return self._numbers([self._results(faces) for faces in held_faces])

        loop.fit(
            Phase(
                settings.task, self.model, loss_at, self._schedule, prepare, measure,
                batches=faces.batches,
            )
        )  # fmt: skip

    @property
    def _schedule(self) -> Schedule:
        s = self.settings
        return Schedule(s.epochs, s.steps, s.rate, s.weight_decay)

    @torch.no_grad()
    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the landmark error in interocular distances, or accuracy and confusion."""
        positions = positions_of(dataset.actions, subjects)

        def work(clips: list[Arrays]) -> Arrays:
            return self._results(_joined(clips))

        results = self._each_batch(dataset, positions, work, self._workers)
        numbers = self._numbers(results)
        if self.settings.task == "landmarks":
            return Evaluation(numbers)
        predicted, labels = (np.concatenate(x) for x in zip(*results, strict=True))
        return Evaluation(numbers, confusion=confusion_of(self.names, labels, predicted))

    def _raw(self, images: Tensor) -> Tensor:
        features = self.extractor(images)
        # In bfloat16 a landmark would have a resolution of 1/256 of the crop at best.
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())

    def _points(self, images: Tensor) -> Tensor:
        """Map images, float [B, C, H, W], 0 to 1, to landmarks, float [B, 68, 2] in crop sides."""
        return self._raw(images).unflatten(1, (N_POINTS, 2))

    def _results(self, faces: Faces) -> Arrays:
        """Return the error or the predicted class of each face, and its true class, [N] each."""
        if len(faces.images) == 0:
            return np.zeros(0, np.float32), np.zeros(0, np.int64)
        images = scaled(faces.images.to(best_device()))
        if self.settings.task == "landmarks":
            found = landmark_errors(self._points(images).cpu(), faces.landmarks)
        else:
            found = self._raw(images).argmax(dim=1).cpu()
        return found.numpy(), faces.labels.numpy()

    def _numbers(self, results: Sequence[Arrays]) -> dict[str, float]:
        found, labels = (np.concatenate(x) for x in zip(*results, strict=True))
        if self.settings.task == "landmarks":
            return {"landmark_error": float(found.mean())}
        return {"accuracy": float((found == labels).mean())}

    @torch.no_grad()
    def _start_at(self, landmarks: Tensor) -> None:
        """Give the first predictions the mean and spread of `landmarks`, float [N, 68, 2]."""
        if self.settings.task == "landmarks":
            norm = self.head[1]
            assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
            norm.bias.copy_(landmarks.flatten(1).mean(dim=0))
            norm.weight.copy_(landmarks.flatten(1).std(dim=0))

    def _each_batch(
        self, dataset: Dataset, positions: np.ndarray, work: Callable[[list[Arrays]], T],
        workers: int,
    ) -> list[T]:  # fmt: skip
        """Return the result of `work` for the faces of every few clips.

        Raises
        ------
        DatasetError
            When there is no usable frame.
        """
        reader, n = self._reader(dataset), max(1, BATCH // self.settings.frames)

        def counted(clips: list[Arrays]) -> tuple[int, T]:
            return sum(len(labels) for _, _, labels in clips), work(clips)

        results = each_batch(dataset.actions, reader, positions, workers, n, counted)
        n_faces = sum(n for n, _ in results)
        if n_faces == 0:
            raise DatasetError(
                f"no frame to train {self.settings.task} on, or to measure them on",
                wanted="detected faces and, for expressions, motions of known actions",
                where=dataset.where,
                todo="add recordings and build again",
            )
        return [result for _, result in results]

    def _reader(self, dataset: Dataset) -> FaceReader:
        s = self.settings
        if s.task == "landmarks":
            return FaceReader(s.size, s.channels, s.frames)
        column, names = class_column(dataset, self._label), tuple(self.names)
        return FaceReader(s.size, s.channels, s.frames, names, column, frozenset(self.classes))


def _joined(clips: Sequence[Arrays]) -> Faces:
    """Return the frames of some clips together."""
    return Faces(*(torch.from_numpy(np.concatenate(x)) for x in zip(*clips, strict=True)))


def landmark_errors(found: Tensor, landmarks: Tensor) -> Tensor:
    """Return the mean distance of each face's 68 points, float [N, 68, 2], in true IOD: [N]."""
    left, right = (landmarks[:, i] for i in OUTER_EYE_CORNERS)
    distance = (found - landmarks).norm(dim=2).mean(dim=1)
    return distance / (left - right).norm(dim=1)
