"""PCL: self-supervised face features, with the pose disentangled from the rest.

Liu et al. 2023, "Pose-disentangled Contrastive Learning for Self-supervised Facial
Representation". Pretraining on single frames without labels (Eq. 2 to 7); then two linear probes
(section 4.1) on the frozen features F_s: the expression; yaw, pitch and roll. Not implemented:
negatives interpolated with one another, which the paper's baseline has as well.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train import distributed
from fmdata.train.data import images_of, scaled, spread_frames
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
from fmdata.train.networks.probe import LinearProbe
from fmdata.train.recipes.base import Material, RecipeSettings, class_column
from fmdata.train.views.poses import other_pose, random_crop, same_pose

NEUTRAL = "neutral"
UNLABELLED = -1
PROBE_BATCH, PROBE_RATE = 128, 5e-3
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
    rotation: float = number(
        0.0, 0, 90, help="Degrees by which other poses are also rotated; 0 only mirrors, as in the "
        "paper."
    )  # fmt: skip
    negatives: int = number(1, 1, help="Views of each face in another pose: M of Eq. 5.")
    size: int = number(48, 16, 512, help="Side of the images, in pixels; 64 in the paper.")
    width: float = number(0.125, 0.01, 4, help="Multiplier of the layers' widths; 1 in the paper.")
    projection: int = number(64, 1, help="Length of the projected features; 512 in the paper.")
    temperature: float = number(0.07, 1e-3, 10, help="Temperature of both contrasts, the paper's.")
    frames: int = number(10, 1, help="Frames of each clip, spread over it.")
    batch: int = number(32, 2, help="Faces in a mini-batch of pretraining.")
    epochs: int = number(10, 1, help="Number of epochs of pretraining.")
    steps: int = number(16, 1, help="Mini-batches in an epoch of pretraining.")
    rate: float = number(3e-3, 1e-8, 10, help="Highest learning rate of Adam in pretraining.")
    weight_decay: float = number(1e-3, 0, 1, help="Weight decay of Adam in pretraining.")
    peak: float = number(
        0.7, 0, 1, help="Share of a clip's greatest displacement from which a frame shows its "
        "action."
    )  # fmt: skip
    probe_epochs: int = number(20, 1, help="Epochs of each probe; 300 in the paper.")

    @property
    def separated(self) -> bool:
        """True with face and pose branches; the baseline has neither."""
        return self.reconstruction or self.orthogonality != "none" or self.pose_contrast


class Frames(NamedTuple):
    """Single frames: uint8 [N, 3, S, S], expressions int [N] (-1: none), degrees float [N, 3]."""

    images: Tensor
    expressions: Tensor
    poses: Tensor


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
        s, model, where = self.settings, self.model, str(material.dataset.path)
        frames = self._read(material.dataset, material.split.train)
        labelled = frames.expressions != UNLABELLED
        if len(frames.images) < s.batch or not labelled.any():
            raise DatasetError(
                f"{len(frames.images)} frames with a face, {int(labelled.sum())} of them labelled",
                wanted=f"at least {s.batch}, and motions with an onset and a peak",
                where=where,
                todo="add recordings and build again, or --set batch to fewer",
            )
        schedule = Schedule(s.epochs, s.steps, s.rate, s.weight_decay, optimizer="adam")

        def loss_at(step: Step) -> dict[str, Tensor]:
            return self._losses(frames.images, step)

        loop.fit(Phase("pretraining", model.network, loss_at, schedule))
        features = self._features(frames.images)
        data = features[labelled], frames.expressions[labelled]
        _fit_probe(loop, "expression", model.expression, data, nn.functional.cross_entropy, s)
        data = features, frames.poses
        _fit_probe(loop, "pose", model.pose, data, nn.functional.l1_loss, s)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure both probes, frame by frame.

        The numbers: ``accuracy``, ``balanced_accuracy`` (mean recall of the expressions) and
        ``chance_accuracy`` (of the most frequent expression); mean absolute errors
        ``yaw_error_deg``, ``pitch_error_deg``, ``roll_error_deg``, their mean ``pose_error_deg``,
        and ``constant_pose_error_deg`` of predicting the training frames' mean. Poses are those of
        the head in the recording; the crops are upright and hardly show its roll.
        """
        frames = self._read(dataset, subjects)
        features = self._features(frames.images).to(best_device())
        with torch.no_grad():
            poses = self.model.pose(features).cpu()
            predicted = self.model.expression(features).argmax(dim=1).cpu()
        errors = (poses - frames.poses).abs().mean(dim=0)
        constant = (self.model.pose.target_mean.cpu() - frames.poses).abs().mean()
        numbers = {f"{a}_error_deg": float(e) for a, e in zip(ANGLES, errors, strict=True)}
        numbers["pose_error_deg"] = float(errors.mean())
        numbers["constant_pose_error_deg"] = float(constant)
        labelled = frames.expressions != UNLABELLED
        true = frames.expressions[labelled].numpy()
        confusion = confusion_of(self.expressions, true, predicted[labelled].numpy())
        if labelled.any():
            numbers |= _accuracies(confusion)
        return Evaluation(numbers, confusion=confusion)

    def _losses(self, frames: Tensor, step: Step) -> dict[str, Tensor]:
        """Compute Eq. 7 of one mini-batch, and its parts by name."""
        s, generator = self.settings, step.generator
        n_faces = min(s.batch * distributed.world(), len(frames))
        drawn = step.common.choice(len(frames), n_faces, replace=False)
        chosen = torch.from_numpy(distributed.part(drawn))
        images = scaled(frames[chosen].to(best_device()))
        parts = self._contrasts(images, generator)
        weights = dynamic_weights(step.history, list(parts)) if s.dynamic_weights else {}
        if s.reconstruction or s.orthogonality != "none":
            parts |= self._disentangling(images, other_pose(images, generator, s.rotation))
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
            others = [other_pose(images, generator, s.rotation) for _ in range(s.negatives)]
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
    def _features(self, images: Tensor) -> Tensor:
        """Compute the features F_s of frames, float [N, n] on the CPU."""
        network = self.model.network.to(best_device()).eval()
        parts = images.split(256)
        return torch.cat([network.features(scaled(x.to(best_device()))).cpu() for x in parts])

    def _read(self, dataset: Dataset, subjects: Sequence[str]) -> Frames:
        """Read frames with a detected face from some subjects' clips."""
        images, expressions, poses = [], [], []
        column = class_column(dataset, self.settings.label)
        for clip in dataset.actions:
            if clip.subject not in subjects:
                continue
            detected = np.flatnonzero(clip.column("detected"))
            chosen = spread_frames(detected, self.settings.frames)
            images.append(images_of(clip.frames(chosen.tolist()), self.settings.size, 3))
            expressions.append(self._expressions(clip, str(clip.row[column]))[chosen])
            poses.append(clip.pose[chosen])
        parts = (np.concatenate(part) for part in (images, expressions, poses))
        return Frames(*map(torch.from_numpy, parts))

    def _expressions(self, clip: ActionClip, expression: str) -> np.ndarray:
        """Label the frames of a clip, int [T]: neutral, its expression, or -1.

        Of the frames before the onset only the first is labelled neutral; otherwise half of all
        labels would be neutral, since every clip begins so.
        """
        shown = np.full(clip.n_frames, UNLABELLED)
        motion = clip.motion
        if motion is None or expression not in self.classes:
            return shown
        moving = np.arange(motion.onset, motion.offset)
        strength = clip.intensity[moving]
        peak = moving[strength >= self.settings.peak * strength.max()]
        shown[peak] = self.expressions.index(expression)
        if motion.onset > 0:
            shown[0] = self.expressions.index(NEUTRAL)
        return shown


def _fit_probe(
    loop: Loop,
    name: str,
    probe: LinearProbe,
    data: tuple[Tensor, Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    settings: PclSettings,
) -> None:
    """Fit a probe to features, float [N, n], and targets, and standardise it by both."""
    features, targets = (x.to(best_device()) for x in data)

    def loss_at(step: Step) -> Tensor:
        chosen = step.rng.choice(len(features), min(PROBE_BATCH, len(features)), replace=False)
        return loss(probe(features[chosen]), targets[chosen])

    def prepare() -> None:
        probe.standardise_by(features, targets if targets.is_floating_point() else None)

    steps = math.ceil(len(features) / PROBE_BATCH)
    schedule = Schedule(settings.probe_epochs, steps, PROBE_RATE)
    loop.fit(Phase(name, probe, loss_at, schedule, prepare=prepare))


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
