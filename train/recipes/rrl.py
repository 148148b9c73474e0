"""RRL (Song and Liu 2023): unsupervised features of action units from regions and relations.

An online network predicts, from one view of a face, the vectors that a momentum (target) network
gives for another view: of the whole face (Eq. 2), of each region (Eq. 3), and across regions whose
action units occur together (Eq. 4 to 6). Then a linear classifier is trained on the frozen encoder.

Labels are those of a file, frame by frame; without one, stand-ins from blendshapes above what the
face scores at rest. They are used in the relation matrix, in the classifier and in the F1.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, flag, number, text
from fmdata.train.action_units.attention import attention_maps
from fmdata.train.action_units.frames import UNITS, UnitReader, present_units
from fmdata.train.action_units.probe import Labelled, UnitProbe, unit_loss
from fmdata.train.action_units.relations import FORMS, relation_matrix
from fmdata.train.action_units.scoring import auc_of_units, f1_of_units
from fmdata.train.action_units.truth import UnitTruth
from fmdata.train.data import scaled
from fmdata.train.distributed import best_device
from fmdata.train.loop import Loop, Phase, Schedule, Step
from fmdata.train.losses.regions import (
    correlation_loss,
    global_loss,
    local_loss,
    marginals,
    overall_loss,
    transport,
    transport_cost,
)
from fmdata.train.metrics import Evaluation
from fmdata.train.networks.regional import SIZES, Branch, follow, perceptron, width_of
from fmdata.train.phases.schedule import cosine
from fmdata.train.reading.images import Arrays, ImageBatches
from fmdata.train.reading.in_order import each_batch, in_order, positions_of
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.views.colour import blur, distort, to_grey
from fmdata.train.views.mirror import mirror

MOMENTUM = 0.98  # of the target network at the first step; 1 at the last
PAPER_SIZE = 224  # side of the paper's images in pixels, to which its blur refers
BATCH = 256  # images at once without gradients


@dataclass(frozen=True)
class RrlSettings(RecipeSettings):
    """Settings of RRL."""

    units: str = choice("bp4d", "disfa", help="Action units: the 12 of BP4D or the 8 of DISFA.")
    frames: int = number(8, 1, 1000, help="Frames of each clip, spread over it.")
    truth: str = text(
        "", help="Parquet file with labels, a row a frame: `path`, `frame`, and AU1, AU2 and so on "
        "or ARKit's units, as `fmdata simulate --cast heads` writes; empty: stand-ins."
    )  # fmt: skip
    threshold: float = number(
        0.15, 0, 5, help="Label, or stand-in above rest, above which a unit is present; 1 for "
        "DISFA's intensities."
    )  # fmt: skip
    min_prevalence: float = number(
        0.05, 0, 1, help="Share of the training frames that must show a unit for it to count."
    )
    max_prevalence: float = number(0.5, 0, 1, help="Share above which it does not count either.")
    supervised: bool = flag(
        False, help="Train encoder and classifier together on the labels, in place of the "
        "pretraining: the ceiling of what this network can learn here."
    )  # fmt: skip
    backbone: str = choice(
        "swin", "vgg", "swin-t", help="Backbone: small ones, swin or, for Table 4, vgg; or the "
        "paper's swin-t (the extra swin), with images of 224 pixels."
    )  # fmt: skip
    heads: int = number(
        2, 1, 64, help="Attention heads of a small backbone, 16 channels each; the global vector "
        "has 32 numbers for each."
    )  # fmt: skip
    hidden: int = number(256, 1, 65536, help="Hidden width of projector and predictor.")
    projected: int = number(64, 1, 65536, help="Output width of projector and predictor.")
    augment: bool = flag(
        True, help="Vary the two views by flips, greys, blurs and colours; the last row of Table 4."
    )
    global_weight: float = number(0.4, 0, 100, help="Weight of the global loss in Eq. 7; 0: none.")
    local_weight: float = number(0.6, 0, 100, help="Weight of the local loss in Eq. 7; 0: none.")
    relation_weight: float = number(
        1.0, 0, 100, help="Weight of the correlation loss in Eq. 7; 0: none."
    )
    relations: str = choice(*FORMS, help="Form of the relation matrix of action units.")
    batch: int = number(48, 2, 65536, help="Images in a mini-batch of pretraining.")
    epochs: int = number(
        8, 0, help="Number of epochs of pretraining; 0 leaves the encoder at its random weights."
    )
    steps: int = number(20, 1, help="Mini-batches in an epoch of pretraining.")
    rate: float = number(1e-3, 0, 10, help="Highest learning rate of AdamW in pretraining.")
    probe_epochs: int = number(60, 1, help="Epochs of the linear classifier.")
    probe_rate: float = number(1e-2, 0, 10, help="Highest learning rate of the linear classifier.")


class RrlModel(nn.Module):
    """Everything that is trained, and the relation matrix, float [K, K]."""

    relations: Tensor

    def __init__(self, settings: RrlSettings) -> None:
        super().__init__()
        s, n_units = settings, len(UNITS[settings.units])
        width = width_of(s.backbone, s.heads)
        self.online = Branch(s.backbone, width, s.hidden, s.projected)
        self.predictor = perceptron(s.projected, s.hidden, s.projected)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.register_buffer("relations", torch.eye(n_units))
        self.probe = UnitProbe(2 * width, n_units)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Map images, uint8 [N, 3, S, S], to global vectors, float [N, d], on the device."""
        self.online.eval()
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return torch.cat([self.online.backbone(scaled(x.to(best_device())))[1] for x in parts])


class Rrl:
    """The recipe ``rrl``."""

    Settings = RrlSettings

    def __init__(self, settings: RrlSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes = settings, classes
        self.model = RrlModel(settings)

    def train(self, material: Material, loop: Loop) -> None:
        """Pretrain the encoder without labels, then train the classifier with them.

        Raises
        ------
        DatasetError
            When there are no labels and no blendshapes, or no unit is shown as often as it must.
        """
        s, probe, dataset = self.settings, self.model.probe, material.dataset
        positions = positions_of(dataset.actions, material.split.train)
        reader = self._reader()
        scores = list(in_order(dataset.actions, reader.scores, positions, loop.workers))
        present, known = map(torch.from_numpy, present_units(np.concatenate(scores), s.threshold))
        probe.keep(present, known, s.min_prevalence, s.max_prevalence)
        self._require_some(present.numpy(), "trained on", dataset)
        faces = ImageBatches(
            dataset.actions, reader, positions, batch=s.batch, per_clip=s.frames,
            seed=loop.seed, workers=loop.workers,
        )  # fmt: skip
        if s.epochs and s.supervised:
            self._supervise(faces, loop)
        elif s.epochs:
            labels = np.where(known, present, np.nan)
            self._pretrain(faces, relation_matrix(labels, s.relations), loop)
        labelled = Labelled(torch.from_numpy(self._features(dataset, positions)[0]), present, known)
        names = dataset.actions.table(["subject"])["subject"].to_pylist()
        of_clips = zip((names[i] for i in positions.tolist()), map(len, scores), strict=True)
        subjects = [name for name, n in of_clips for _ in range(n)]
        probe.fit(labelled, subjects, loop, s.probe_epochs, s.probe_rate)

    def _reader(self) -> UnitReader:
        s, units = self.settings, UNITS[self.settings.units]
        truth = UnitTruth(Path(s.truth), units) if s.truth else None
        return UnitReader(s.frames, SIZES[s.backbone], units, truth)

    @torch.no_grad()
    def _features(self, dataset: Dataset, positions: np.ndarray) -> Arrays:
        """Return the global vectors of the clips' frames, float [N, d], and scores, [N, K]."""

        def work(clips: list[Arrays]) -> Arrays:
            images, _, scores = (np.concatenate(parts) for parts in zip(*clips, strict=True))
            return self.model.features(torch.from_numpy(images)).cpu().numpy(), scores

        n, workers = max(1, BATCH // self.settings.frames), self.settings.workers
        parts = each_batch(dataset.actions, self._reader(), positions, workers, n, work)
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    def _supervise(self, faces: ImageBatches, loop: Loop) -> None:
        """Train backbone and classifier together on the labels of varied faces."""
        s, device, probe = self.settings, best_device(), self.model.probe
        backbone = self.model.online.backbone

        def loss_at(step: Step) -> Tensor:
            pixels, _, scores = step.items
            images = scaled(torch.from_numpy(pixels).to(device))
            images, _ = self._view(images, images[:, :1], step.generator)
            present, known = (
                torch.from_numpy(mask).to(device) for mask in present_units(scores, s.threshold)
            )
            return unit_loss(probe(backbone(images)[1]), present, known)

        schedule = Schedule(s.epochs, s.steps, s.rate, 0.04, 0.4)
        trained = nn.ModuleList([backbone, probe.classifier])
        loop.fit(Phase("supervised", trained, loss_at, schedule, batches=faces.batches))

    def _pretrain(self, faces: ImageBatches, relations: np.ndarray, loop: Loop) -> None:
        s, device, units = self.settings, best_device(), UNITS[self.settings.units]

        def prepare() -> None:
            self.model.relations.copy_(torch.from_numpy(relations))
            self.model.target.load_state_dict(self.model.online.state_dict())

        def loss_at(step: Step) -> dict[str, Tensor]:
            pixels, landmarks, _ = step.items
            # The maps are drawn on an image of the paper's size.
            maps = attention_maps(landmarks * PAPER_SIZE - 0.5, PAPER_SIZE, units)
            images = scaled(torch.from_numpy(pixels).to(device))
            regions = torch.from_numpy(maps).to(device)
            one, other = (self._view(images, regions, step.generator) for _ in range(2))
            return self._losses(one, other)

        def update_target(step: Step) -> None:
            # The momentum rises from 0.98 to 1 along half a cosine.
            away = (1 - MOMENTUM) * cosine(step.done)
            follow(self.model.target, self.model.online, 1 - away)

        schedule = Schedule(s.epochs, s.steps, s.rate, 0.04, 0.4)
        phase = Phase("pretraining", self.model, loss_at, schedule, prepare, None, update_target)
        loop.fit(replace(phase, batches=faces.batches))

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure the F1 of each unit, at its threshold, and the area under its ROC curve.

        ``f1`` and ``auc`` are means over the ``n_units`` that count and that these subjects show.
        ``f1_always`` is the mean F1 of a constant prediction: every unit present in every frame.
        There is no ``auc`` where every unit is shown in all frames or in none.
        """
        s, probe, units = self.settings, self.model.probe, UNITS[self.settings.units]
        self.model.eval()
        features, labels = self._features(dataset, positions_of(dataset.actions, subjects))
        present, known = present_units(labels, s.threshold)
        self._require_some(present, "held out", dataset)
        known &= probe.kept.cpu().numpy()
        present &= known
        with torch.no_grad():
            scores = probe(torch.from_numpy(features).to(best_device()))
            found = (scores > probe.thresholds).cpu().numpy()
        f1, always = (f1_of_units(x, present, known) for x in (found, np.ones_like(found)))
        areas = auc_of_units(scores.cpu().numpy(), present, known)
        numbers = {
            "f1": float(np.nanmean(f1)),
            "f1_always": float(np.nanmean(always)),
            **({"auc": float(np.nanmean(areas))} if np.isfinite(areas).any() else {}),
            "n_units": float(np.isfinite(f1).sum()),
        }
        each = {f"AU{unit}": float(x) for unit, x in zip(units, f1, strict=True) if np.isfinite(x)}
        return Evaluation(numbers, f1_per_unit=each)

    def _require_some(self, present: np.ndarray, subjects: str, dataset: Dataset) -> None:
        s = self.settings
        if not present[:, self.model.probe.kept.cpu().numpy()].any():
            raise DatasetError(
                f"no action unit in {s.min_prevalence:.0%} to {s.max_prevalence:.0%} of the frames,"
                f" of the subjects {subjects}",
                wanted="moving faces, by their labels, or by blendshapes that stand in for them",
                where=dataset.where,
                todo="choose another `threshold` or `min_prevalence`, or add recordings",
            )

    def _view(
        self, images: Tensor, maps: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw a view of faces, float [B, 3, S, S], and of their maps, float [B, K, 14, 14]."""
        if not self.settings.augment:
            return images, maps
        images, maps = mirror(images, maps, generator)
        images = to_grey(distort(images, generator, share=0.8), generator)
        scale = images.shape[-1] / PAPER_SIZE
        return blur(images, generator, (0.1 * scale, 2.0 * scale)), maps

    def _losses(
        self, one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Compute Eq. 2 to 7: one view by the online network, the other by the target network."""
        s, model = self.settings, self.model
        online = model.online(*one)
        with torch.no_grad():
            target = model.target(*other)
        whole = model.predictor(online.whole_projected)
        units = model.predictor(online.units_projected.flatten(0, 1))
        plan = transport(
            transport_cost(model.relations),
            marginals(online.units, target.whole),
            marginals(target.units, online.whole),
        )
        losses = (
            global_loss(whole, target.whole_projected),
            local_loss(units.view_as(online.units_projected), target.units_projected, whole),
            correlation_loss(online.units, target.units, plan),
        )
        weights = s.global_weight, s.local_weight, s.relation_weight
        named = dict(zip(("global", "local", "correlation"), losses, strict=True))
        return {"loss": overall_loss(losses, weights), **named}
