"""PCL: faces learnt without labels, the pose taken apart so that it disturbs nothing.

Liu et al. 2023, "Pose-disentangled Contrastive Learning for Self-supervised Facial
Representation". Pretraining on single frames without labels (Eq. 2 to 7); then, on the frozen
features F_s, two linear probes (section 4.1): which expression, and yaw, pitch and roll. Left out:
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
from fmdata.train.data import images_of, scaled, spread_frames
from fmdata.train.loop import Loop, Schedule, Step, best_device
from fmdata.train.losses.disentangle import (
    correlation_orthogonality,
    disentangling_loss,
    dynamic_weights,
    face_contrast,
    pose_contrast,
    product_orthogonality,
    total_loss,
)
from fmdata.train.metrics import Evaluation, confusion_of
from fmdata.train.networks.disentangled import PoseDisentangled
from fmdata.train.networks.probe import LinearProbe
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.views.poses import other_pose, random_crop, same_pose

NEUTRAL = "neutral"
UNLABELLED = -1
PROBE_BATCH, PROBE_RATE = 128, 5e-3
ANGLES = "yaw", "pitch", "roll"
ORTHOGONALITY = {"correlation": correlation_orthogonality, "product": product_orthogonality}


@dataclass(frozen=True)
class PclSettings(RecipeSettings):
    """Settings of PCL; with the first four off it is the paper's baseline, SimCLR.

    Attributes
    ----------
    reconstruction : bool
        L_dis, Eq. 2.
    orthogonality : str
        L_orth, Eq. 3: ``correlation``, ``product`` (as printed) or ``none``.
    pose_contrast : bool
        L_pose, Eq. 5, on the pose branch; without it that branch has Eq. 6, like the face's.
    dynamic_weights : bool
        Weights of the two contrasts in Eq. 7 follow their losses; else both are 1.
    rotation : float
        Degrees by which other poses are also turned; 0 only mirrors, the paper's choice.
    negatives : int
        M of Eq. 5: views of each face in another pose.
    size : int
        Side of the images, pixels; 64 in the paper.
    width : float
        Of all layers; 1 in the paper.
    projection : int
        Numbers that the contrasts compare; 512 in the paper.
    temperature : float
        Of both contrasts; the paper's.
    frames : int
        Frames of each clip, spread over it.
    batch, epochs, steps : int
        Faces in a mini-batch; epochs of pretraining, and mini-batches in one.
    rate, weight_decay : float
        Of pretraining (Adam).
    peak : float
        Share of a clip's greatest displacement from which a frame shows its action.
    probe_epochs : int
        Epochs of either probe; 300 in the paper.
    """

    reconstruction: bool = flag(True)
    orthogonality: str = choice("correlation", "product", "none")
    pose_contrast: bool = flag(True)
    dynamic_weights: bool = flag(True)
    rotation: float = number(0.0, 0, 90)
    negatives: int = number(1, 1)
    size: int = number(48, 16, 512)
    width: float = number(0.125, 0.01, 4)
    projection: int = number(64, 1)
    temperature: float = number(0.07, 1e-3, 10)
    frames: int = number(10, 1)
    batch: int = number(32, 2)
    epochs: int = number(10, 1)
    steps: int = number(16, 1)
    rate: float = number(3e-3, 1e-8, 10)
    weight_decay: float = number(1e-3, 0, 1)
    peak: float = number(0.7, 0, 1)
    probe_epochs: int = number(20, 1)

    @property
    def separated(self) -> bool:
        """Whether there are two branches; the baseline has none."""
        return self.reconstruction or self.orthogonality != "none" or self.pose_contrast


class Frames(NamedTuple):
    """Single frames: uint8 [N, 3, S, S], expressions int [N] (-1: none), degrees float [N, 3]."""

    images: Tensor
    expressions: Tensor
    poses: Tensor


class PclModel(nn.Module):
    """What is pretrained, and the two probes."""

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
            When there are fewer frames than a mini-batch has, or none shows an expression.
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
        loop.fit(
            "pretraining", model.network, lambda step: self._losses(frames.images, step), schedule
        )
        features = self._features(frames.images)
        shown = features[labelled], frames.expressions[labelled]
        _fit_probe(loop, "expression", model.expression, shown, nn.functional.cross_entropy, s)
        turned = features, frames.poses
        _fit_probe(loop, "pose", model.pose, turned, nn.functional.l1_loss, s)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure both probes, frame by frame.

        The numbers: ``accuracy``, ``balanced_accuracy`` (the mean of the expressions' own) and
        ``chance_accuracy`` (of always naming the most frequent one); mean absolute errors
        ``yaw_error_deg``, ``pitch_error_deg``, ``roll_error_deg``, their mean ``pose_error_deg``,
        and ``constant_pose_error_deg`` of always saying the training frames' mean. Poses are the
        head's in the recording; the crops are upright, so roll can hardly be seen in them.
        """
        frames = self._read(dataset, subjects)
        features = self._features(frames.images).to(best_device())
        with torch.no_grad():
            poses = self.model.pose(features).cpu()
            named = self.model.expression(features).argmax(dim=1).cpu()
        errors = (poses - frames.poses).abs().mean(dim=0)
        constant = (self.model.pose.target_mean.cpu() - frames.poses).abs().mean()
        numbers = {f"{a}_error_deg": float(e) for a, e in zip(ANGLES, errors, strict=True)}
        numbers |= {
            "pose_error_deg": float(errors.mean()),
            "constant_pose_error_deg": float(constant),
        }
        labelled = frames.expressions != UNLABELLED
        true_and_named = frames.expressions[labelled].numpy(), named[labelled].numpy()
        confusion = confusion_of(self.expressions, *true_and_named)
        if labelled.any():
            counts, true = confusion.counts, confusion.counts.sum(axis=1)
            recalls = counts.diagonal()[true > 0] / true[true > 0]
            numbers |= {
                "accuracy": float(counts.trace() / true.sum()),
                "balanced_accuracy": float(recalls.mean()),
                "chance_accuracy": float(true.max() / true.sum()),
            }
        return Evaluation(numbers, confusion=confusion)

    def _losses(self, frames: Tensor, step: Step) -> dict[str, Tensor]:
        """Eq. 7 of one mini-batch, and its parts by name."""
        s, net, generator = self.settings, self.model.network, step.generator
        chosen = torch.from_numpy(step.rng.choice(len(frames), s.batch, replace=False))
        images = scaled(frames[chosen].to(best_device()))

        def viewed(of: Sequence[Tensor]) -> Tensor:
            return net.features(torch.cat([same_pose(x, generator) for x in of]))

        crops = viewed([random_crop(images, generator) for _ in range(2)])
        first, second = net.face_head(net.face(crops) if s.separated else crops).chunk(2)
        parts = {"face": face_contrast(first, second, s.temperature)}
        if s.pose_contrast:
            others = [other_pose(images, generator, s.rotation) for _ in range(s.negatives)]
            views = net.pose_head(net.pose(viewed([images, images, *others])))
            poses = views.chunk(2 + s.negatives)
            parts["pose"] = pose_contrast(
                poses[0], poses[1], torch.stack(poses[2:], dim=1), s.temperature
            )
        elif s.separated:
            first, second = net.pose_head(net.pose(crops)).chunk(2)
            parts["pose"] = face_contrast(first, second, s.temperature)
        weights = dynamic_weights(step.history, list(parts)) if s.dynamic_weights else {}
        if s.reconstruction or s.orthogonality != "none":
            other = other_pose(images, generator, s.rotation)
            features = net.features(torch.cat([images, other]))
            face, other_face = net.face(features).chunk(2)
            pose, its_pose = net.pose(features).chunk(2)
            if s.reconstruction:
                parts["reconstruction"] = disentangling_loss(
                    net.decode, (images, other), (face, other_face), (pose, its_pose)
                )
            if s.orthogonality != "none":
                of = ORTHOGONALITY[s.orthogonality]
                parts["orthogonality"] = of(_unit(face), _unit(pose)) + of(
                    _unit(other_face), _unit(its_pose)
                )
        return {"loss": total_loss(parts, weights), **parts}

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        """F_s of frames, float [N, n] on the CPU."""
        network = self.model.network.to(best_device()).eval()
        parts = images.split(256)
        return torch.cat([network.features(scaled(x.to(best_device()))).cpu() for x in parts])

    def _read(self, dataset: Dataset, subjects: Sequence[str]) -> Frames:
        """Frames of some subjects' clips, where a face was found."""
        images, expressions, poses = [], [], []
        for clip in dataset.actions:
            if clip.subject not in subjects:
                continue
            detected = np.flatnonzero(clip.column("detected"))
            chosen = spread_frames(detected, self.settings.frames)
            images.append(images_of(clip.frames(chosen.tolist()), self.settings.size, 3))
            expressions.append(self._expressions(clip)[chosen])
            poses.append(clip.pose[chosen])
        parts = (np.concatenate(part) for part in (images, expressions, poses))
        return Frames(*map(torch.from_numpy, parts))

    def _expressions(self, clip: ActionClip) -> np.ndarray:
        """What each frame shows, int [T]: neutral, the action, or -1.

        Of the frames before the onset only the first is called neutral, else neutral faces, which
        are in every clip, would be half of all that is to be told apart.
        """
        shown = np.full(clip.n_frames, UNLABELLED)
        motion = clip.motion
        if motion is None or clip.action not in self.classes:
            return shown
        moving = np.arange(motion.onset, motion.offset)
        strength = clip.intensity[moving]
        shown[moving[strength >= self.settings.peak * strength.max()]] = self.expressions.index(
            clip.action
        )
        if motion.onset > 0:
            shown[0] = self.expressions.index(NEUTRAL)
        return shown


def _fit_probe(
    loop: Loop,
    name: str,
    probe: LinearProbe,
    known: tuple[Tensor, Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    settings: PclSettings,
) -> None:
    """Fit a probe to features, float [N, n], with targets, and standardise it by these."""
    features, targets = (x.to(best_device()) for x in known)

    def loss_at(step: Step) -> Tensor:
        chosen = step.rng.choice(len(features), min(PROBE_BATCH, len(features)), replace=False)
        return loss(probe(features[chosen]), targets[chosen])

    def prepare() -> None:
        probe.standardise_by(features, targets if targets.is_floating_point() else None)

    steps = math.ceil(len(features) / PROBE_BATCH)
    loop.fit(
        name, probe, loss_at, Schedule(settings.probe_epochs, steps, PROBE_RATE), prepare=prepare
    )


def _unit(features: Tensor) -> Tensor:
    return nn.functional.normalize(features, dim=1)
