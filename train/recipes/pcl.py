"""PCL: self-supervised face features, with the pose disentangled from the rest.

Liu et al. 2023, "Pose-disentangled Contrastive Learning for Self-supervised Facial
Representation". Pretraining on single frames without labels (Eq. 2 to 7); then two linear probes
(section 4.1) on the frozen features F_s: the expression; yaw, pitch and roll. The paper's faces are
not aligned: train on a dataset built with ``--crop static``, in which heads turn as they do. Not
implemented: negatives interpolated with one another, which the paper's baseline has as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train.data import scaled
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.disentangle import (
    correlation_orthogonality,
    disentangling_loss,
    dynamic_weights,
    face_contrast,
    pose_contrast,
    product_orthogonality,
    total_loss,
)
from fmdata.train.metrics import Confusion, Evaluation, confusion_of
from fmdata.train.networks.disentangled import PoseDisentangled
from fmdata.train.networks.probe import LinearProbe, fit_probe
from fmdata.train.reading.images import Arrays, ImageBatches
from fmdata.train.reading.in_order import each_batch, positions_of
from fmdata.train.reading.poses import UNLABELLED, PoseReader
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.colour import distort
from fmdata.train.views.poses import mirrored, other_poses, random_crop, same_pose

NEUTRAL = "neutral"
BATCH = 256  # images at once without gradients
ANGLES = "yaw", "pitch", "roll"
ORTHOGONALITY = {"correlation": correlation_orthogonality, "product": product_orthogonality}


@dataclass(frozen=True)
class PclSettings(RecipeSettings):
    """Settings of PCL; with the first four off it is the paper's baseline, SimCLR."""

    without_classes = ""
    reconstruction: bool = flag(True, help="Add the reconstruction loss L_dis, Eq. 2.")
    orthogonality: str = choice(
        "correlation", "product", "none", help="Orthogonality loss L_orth, Eq. 3: of correlations "
        "(the authors' code), of products (as printed), or none."
    )  # fmt: skip
    pose_contrast: bool = flag(
        True, help="Train the pose branch by L_pose, Eq. 5; else by Eq. 6, like the face branch."
    )
    dynamic_weights: bool = flag(
        True, help="Weight the two contrasts of Eq. 7 by their rates of descent; else both by 1."
    )
    negatives: int = number(
        4, 1, 64, help="Views of each face in another pose: M of Eq. 5. The first is mirrored, the "
        "others are rotated, half of them mirrored too."
    )  # fmt: skip
    rotation: float = number(
        20.0, 1, 90, help="Greatest rotation of the others, in degrees; the least is half of it."
    )
    size: int = number(48, 16, 512, help="Side of the images, in pixels; 64 in the paper.")
    width: float = number(0.125, 0.01, 4, help="Multiplier of the layers' widths; 1 in the paper.")
    projection: int = number(64, 1, help="Length of the projected features; 512 in the paper.")
    temperature: float = number(0.07, 1e-3, 10, help="Temperature of both contrasts, the paper's.")
    frames: int = number(10, 1, help="Frames of each clip, spread over it.")
    batch: int = number(32, 2, help="Faces in a mini-batch of pretraining.")
    epochs: int = number(
        10, 0, help="Number of epochs of pretraining; 0 leaves the trunk at its random weights."
    )
    steps: int = number(16, 1, help="Mini-batches in an epoch of pretraining.")
    rate: float = number(3e-3, 1e-8, 10, help="Highest learning rate of Adam in pretraining.")
    weight_decay: float = number(1e-3, 0, 1, help="Weight decay of Adam in pretraining.")
    peak: float = number(
        0.7, 0, 1, help="Share of a clip's greatest displacement from which a frame shows its "
        "action."
    )  # fmt: skip
    probe_epochs: int = number(60, 1, help="Epochs of each probe; 300 in the paper.")
    supervised: bool = flag(
        False, help="Train trunk and probes together on the labels, in place of the pretraining: "
        "the ceiling of what this network can learn here."
    )  # fmt: skip

    @property
    def separated(self) -> bool:
        """True with face and pose branches; the baseline has neither."""
        return self.reconstruction or self.orthogonality != "none" or self.pose_contrast


class PclModel(nn.Module):
    """The pretrained network and the two probes."""

    def __init__(self, settings: PclSettings, n_expressions: int) -> None:
        super().__init__()
        self.network = PoseDisentangled(settings.size, settings.width, settings.projection)
        self.expression = LinearProbe(self.network.n_features, n_expressions)
        self.pose = LinearProbe(self.network.n_features, len(ANGLES))


class Pcl:
    """Pretraining without labels, then linear probes of expression and pose."""

    Settings = PclSettings

    def __init__(self, settings: PclSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes = settings, classes
        self.expressions = sorted({*classes, NEUTRAL})
        self.model = PclModel(settings, len(self.expressions))

    def train(self, material: Material, loop: Loop) -> None:
        """Pretrain on the training subjects' frames, then fit both probes to frozen features.

        Raises
        ------
        DatasetError
            When there are fewer frames than in a mini-batch, or none shows an expression.
        """
        s, model, dataset = self.settings, self.model, material.dataset
        positions = positions_of(dataset.actions, material.split.train)
        self._require_frames(dataset, positions)
        if s.epochs:
            self._pretrain(dataset, positions, loop)
        features, expressions, poses = map(torch.from_numpy, self._features(dataset, positions))
        labelled = expressions != UNLABELLED
        data, n = (features[labelled], expressions[labelled]), s.probe_epochs
        fit_probe(loop, "expression", model.expression, data, nn.functional.cross_entropy, n)
        fit_probe(loop, "pose", model.pose, (features, poses), nn.functional.l1_loss, n)

    def _pretrain(self, dataset: Dataset, positions: np.ndarray, loop: Loop) -> None:
        """Train the network without labels or, if supervised, trunk and probes with them."""
        s, model = self.settings, self.model
        faces = ImageBatches(
            dataset.actions, self._reader(dataset), positions, batch=s.batch, per_clip=s.frames,
            seed=loop.seed, workers=loop.workers,
        )  # fmt: skip
        schedule = Schedule(s.epochs, s.steps, s.rate, s.weight_decay, optimizer="adam")

        def prepare() -> None:
            features, _, poses = map(torch.from_numpy, self._features(dataset, positions))
            model.expression.standardise_by(features.to(best_device()))
            model.pose.standardise_by(features.to(best_device()), poses.to(best_device()))

        if s.supervised:
            trained = nn.ModuleList([model.network.trunk, model.expression, model.pose])
            phase = Phase("supervised", trained, self._supervised, schedule, prepare=prepare)
        else:
            phase = Phase("pretraining", model.network, self._losses, schedule)
        loop.fit(replace(phase, batches=faces.batches))

    def _supervised(self, step: Step) -> dict[str, Tensor]:
        """Compute the losses of both probes for faces with varied colours."""
        model, device = self.model, best_device()
        pixels, labels, poses = (torch.from_numpy(part).to(device) for part in step.items)
        features = model.network.features(distort(scaled(pixels), step.generator))
        shown = labels != UNLABELLED
        costs = nn.functional.cross_entropy(
            model.expression(features[shown]), labels[shown], reduction="sum"
        )
        errors = ((model.pose(features) - poses) / model.pose.target_spread).abs().mean()
        parts = {"expression": costs / shown.sum().clamp(min=1), "pose": errors}
        return {"loss": total_loss(parts, {}), **parts}

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure both probes, frame by frame.

        The numbers: ``accuracy``, ``balanced_accuracy`` (mean recall of the expressions) and
        ``chance_accuracy`` (of the most frequent expression); mean absolute errors
        ``yaw_error_deg``, ``pitch_error_deg``, ``roll_error_deg``, their mean ``pose_error_deg``,
        and ``constant_pose_error_deg`` of predicting the training frames' mean. Poses are those of
        the head as the crop shows it: alignment has taken roll out of all but static crops.
        """
        positions = positions_of(dataset.actions, subjects)
        features, expressions, true_poses = self._features(dataset, positions)
        with torch.no_grad():
            on_device = torch.from_numpy(features).to(best_device())
            poses = self.model.pose(on_device).cpu()
            predicted = self.model.expression(on_device).argmax(dim=1).cpu().numpy()
        truth = torch.from_numpy(true_poses)
        errors = (poses - truth).abs().mean(dim=0)
        constant = (self.model.pose.target_mean.cpu() - truth).abs().mean()
        numbers = {f"{a}_error_deg": float(e) for a, e in zip(ANGLES, errors, strict=True)}
        numbers["pose_error_deg"] = float(errors.mean())
        numbers["constant_pose_error_deg"] = float(constant)
        labelled = expressions != UNLABELLED
        true = expressions[labelled]
        confusion = confusion_of(self.expressions, true, predicted[labelled])
        if labelled.any():
            numbers |= _accuracies(confusion)
        return Evaluation(numbers, confusion=confusion)

    def _losses(self, step: Step) -> dict[str, Tensor]:
        """Compute Eq. 7 of one mini-batch, and its parts by name."""
        s, generator = self.settings, step.generator
        images = scaled(torch.from_numpy(step.items[0]).to(best_device()))
        parts = self._contrasts(images, generator)
        weights = dynamic_weights(step.history, list(parts)) if s.dynamic_weights else {}
        if s.reconstruction or s.orthogonality != "none":
            parts |= self._disentangling(images, mirrored(images))
        return {"loss": total_loss(parts, weights), **parts}

    def _contrasts(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the contrastive losses of the face (Eq. 6) and of the pose (Eq. 5 or 6)."""
        s, net = self.settings, self.model.network

        def features_of(faces: Sequence[Tensor]) -> Tensor:
            return net.features(torch.cat([same_pose(x, generator) for x in faces]))

        crops = features_of([random_crop(images, generator) for _ in range(2)])
        first, second = net.face_head(net.face(crops) if s.separated else crops).chunk(2)
        parts = {"face": face_contrast(first, second, s.temperature)}
        if s.pose_contrast:
            others = other_poses(images, generator, s.negatives, s.rotation)
            views = net.pose_head(net.pose(features_of([images, images, *others])))
            first, second, *negatives = views.chunk(2 + s.negatives)
            stacked = torch.stack(negatives, dim=1)
            parts["pose"] = pose_contrast(first, second, stacked, s.temperature)
        elif s.separated:
            first, second = net.pose_head(net.pose(crops)).chunk(2)
            parts["pose"] = face_contrast(first, second, s.temperature)
        return parts

    def _disentangling(self, images: Tensor, others: Tensor) -> dict[str, Tensor]:
        """Compute the losses of Eq. 2 and 3 for images and the same faces in other poses."""
        s, net = self.settings, self.model.network
        features = net.features(torch.cat([images, others]))
        face, others_face = net.face(features).chunk(2)
        pose, others_pose = net.pose(features).chunk(2)
        parts = {}
        if s.reconstruction:
            parts["reconstruction"] = disentangling_loss(
                net.decode, (images, others), (face, others_face), (pose, others_pose)
            )
        if s.orthogonality != "none":
            loss = ORTHOGONALITY[s.orthogonality]
            parts["orthogonality"] = loss(_unit(face), _unit(pose)) + loss(
                _unit(others_face), _unit(others_pose)
            )
        return parts

    @torch.no_grad()
    def _features(self, dataset: Dataset, positions: np.ndarray) -> Arrays:
        """Return the features F_s of the clips' frames, with expressions and poses, [N, ...]."""
        network = self.model.network.to(best_device()).eval()

        def work(clips: list[Arrays]) -> Arrays:
            images, *labels = (np.concatenate(parts) for parts in zip(*clips, strict=True))
            pixels = scaled(torch.from_numpy(images).to(best_device()))
            return network.features(pixels).cpu().numpy(), *labels

        n, reader = max(1, BATCH // self.settings.frames), self._reader(dataset)
        parts = each_batch(dataset.actions, reader, positions, self.settings.workers, n, work)
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    def _reader(self, dataset: Dataset) -> PoseReader:
        s, column = self.settings, class_column(dataset, self.settings.label)
        names = tuple(self.expressions)
        return PoseReader(s.size, s.frames, s.peak, column, frozenset(self.classes), names, NEUTRAL)

    def _require_frames(self, dataset: Dataset, positions: np.ndarray) -> None:
        column, s = class_column(dataset, self.settings.label), self.settings
        rows = list(dataset.actions.rows(["n_frames", "onset", column]))
        rows = [rows[i] for i in positions.tolist()]
        n_frames = sum(min(row["n_frames"], s.frames) for row in rows)
        labelled = sum(
            row["onset"] is not None and str(row[column]) in self.classes for row in rows
        )
        if n_frames < s.batch or not labelled:
            raise DatasetError(
                f"at most {n_frames} frames with a face, {labelled} clips with a labelled motion",
                wanted=f"at least {s.batch} frames, and motions with an onset and a peak",
                where=dataset.where,
                todo="add recordings and build again, or --set batch to fewer",
            )


def _accuracies(confusion: Confusion) -> dict[str, float]:
    """Return accuracy, mean recall, and the accuracy of the most frequent class."""
    counts, true = confusion.counts, confusion.counts.sum(axis=1)
    recalls = counts.diagonal()[true > 0] / true[true > 0]
    return {
        "accuracy": float(counts.trace() / true.sum()),
        "balanced_accuracy": float(recalls.mean()),
        "chance_accuracy": float(true.max() / true.sum()),
    }


def _unit(features: Tensor) -> Tensor:
    return nn.functional.normalize(features, dim=1)
