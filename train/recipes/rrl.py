"""RRL (Song and Liu 2023): action units from their regions and their relations, unsupervised.

An online network predicts, from one view of a face, what a slower target network makes of another:
as a whole (Eq. 2), region by region (Eq. 3), and across regions as far as their action units go
together (Eq. 4 to 6). Then a linear classifier is trained on the frozen encoder.

Labels are stand-ins from blendshapes, in the relation matrix, in the classifier and in the F1.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.settings import choice, flag, number
from fmdata.train.action_units.attention import attention_maps
from fmdata.train.action_units.frames import UNITS, f1_of_units, read_unit_frames
from fmdata.train.action_units.relations import FORMS, relation_matrix
from fmdata.train.data import scaled
from fmdata.train.loop import Loop, Schedule, Step, best_device
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
from fmdata.train.networks.regional import HEAD, SIZE, Branch, follow, perceptron
from fmdata.train.recipes.base import Material, RecipeSettings
from fmdata.train.views.colour import blur, distort, to_grey
from fmdata.train.views.mirror import mirror

MOMENTUM = 0.98  # of the target network at first; 1 at the end
PAPER_SIZE = 224  # pixels of an image's side, for which the spread of a blur is meant
AT_ONCE = 256  # images where nothing is learnt


@dataclass(frozen=True)
class RrlSettings(RecipeSettings):
    """What the recipe can be told.

    Attributes
    ----------
    units : str
        Which action units: the 12 of BP4D or the 8 of DISFA.
    frames : int
        Of each clip, spread over it.
    threshold : float
        The stand-in's score, 0 to 1, above which a unit is there; blendshapes run low, and some
        units never reach a half.
    backbone : str
        ``swin`` or, for Table 4, ``vgg``.
    heads : int
        Of its attention, 16 channels each; the global vector has 32 for each.
    hidden, projected : int
        Widths of projector and predictor.
    augment : bool
        Whether the two views are varied: flips, greys, blurs, colours; the last row of Table 4.
    global_weight, local_weight, relation_weight : float
        Of Eq. 7; a weight of 0 takes the part out, as Table 3 does.
    relations : str
        How far one unit says that another is there too:
        see :func:`~fmdata.train.action_units.relations.relation_matrix`.
    batch, epochs, steps, rate
        Of the pretraining: images, epochs and steps in one, highest learning rate. No epochs leave
        the encoder as it was drawn.
    probe_epochs, probe_rate
        Of the linear classifier.
    """

    units: str = choice("bp4d", "disfa")
    frames: int = number(8, 1, 1000)
    threshold: float = number(0.3, 0, 1)
    backbone: str = choice("swin", "vgg")
    heads: int = number(2, 1, 64)
    hidden: int = number(256, 1, 65536)
    projected: int = number(64, 1, 65536)
    augment: bool = flag(True)
    global_weight: float = number(0.4, 0, 100)
    local_weight: float = number(0.6, 0, 100)
    relation_weight: float = number(1.0, 0, 100)
    relations: str = choice(*FORMS)
    batch: int = number(48, 2, 65536)
    epochs: int = number(8, 0)
    steps: int = number(20, 1)
    rate: float = number(1e-3, 0, 10)
    probe_epochs: int = number(60, 1)
    probe_rate: float = number(1e-2, 0, 10)


class RrlModel(nn.Module):
    """Everything that is trained, and the relation matrix, float [K, K]."""

    relations: Tensor

    def __init__(self, settings: RrlSettings) -> None:
        super().__init__()
        s, n_units = settings, len(UNITS[settings.units])
        width = s.heads * HEAD
        self.online = Branch(s.backbone, width, s.hidden, s.projected)
        self.predictor = perceptron(s.projected, s.hidden, s.projected)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.register_buffer("relations", torch.eye(n_units))
        self.classifier = nn.Sequential(
            nn.BatchNorm1d(2 * width), nn.Linear(2 * width, n_units, bias=False)
        )

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Map images, uint8 [N, 3, 56, 56], to global vectors, float [N, d], on the device."""
        self.online.eval()
        parts = [images[i : i + AT_ONCE] for i in range(0, len(images), AT_ONCE)]
        return torch.cat([self.online.backbone(scaled(x.to(best_device())))[1] for x in parts])


class Rrl:
    """The recipe; see :class:`~fmdata.train.recipes.base.Recipe`."""

    Settings = RrlSettings

    def __init__(self, settings: RrlSettings, classes: Sequence[str]) -> None:
        self.settings, self.classes = settings, classes
        self.model = RrlModel(settings)

    def train(self, material: Material, loop: Loop) -> None:
        """Pretrain the encoder without labels, then train the classifier on stand-ins."""
        s, units, device = self.settings, UNITS[self.settings.units], best_device()
        data = read_unit_frames(material.dataset, material.split.train, s.frames, SIZE, units)
        there, known = data.there(s.threshold)
        _require_some(there, "trained on", material.dataset)
        # The maps are drawn on the image that the paper's network takes.
        maps = torch.from_numpy(
            attention_maps(data.landmarks * PAPER_SIZE - 0.5, PAPER_SIZE, units)
        )

        def relate() -> None:
            labels = np.where(known, there, np.nan)
            self.model.relations.copy_(torch.from_numpy(relation_matrix(labels, s.relations)))

        def pretraining_loss(step: Step) -> dict[str, Tensor]:
            chosen = torch.from_numpy(step.rng.integers(len(maps), size=s.batch))
            images, regions = scaled(data.images[chosen]).to(device), maps[chosen].to(device)
            one, other = (self._view(images, regions, step.generator) for _ in range(2))
            return self._losses(one, other)

        def let_follow(step: Step) -> None:
            # From 0.98 to 1 along half a cosine.
            away = (1 - MOMENTUM) * (0.5 + 0.5 * math.cos(math.pi * step.done))
            follow(self.model.target, self.model.online, 1 - away)

        if s.epochs:
            schedule = Schedule(s.epochs, s.steps, s.rate, 0.04, 0.4)
            loop.fit(
                "pretraining", self.model, pretraining_loss, schedule,
                prepare=relate, after_step=let_follow,
            )  # fmt: skip

        features = self.model.features(data.images)
        there, known = there.to(device), known.to(device)

        def probe_loss(step: Step) -> Tensor:
            chosen = torch.from_numpy(step.rng.integers(len(features), size=AT_ONCE)).to(device)
            logits = self.model.classifier(features[chosen])
            costs = nn.functional.binary_cross_entropy_with_logits(
                logits, there[chosen].float(), reduction="none"
            )
            return costs[known[chosen]].mean()

        steps = math.ceil(len(features) / AT_ONCE)
        probe = Schedule(s.probe_epochs, steps, s.probe_rate)
        loop.fit("probe", self.model.classifier, probe_loss, probe)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        """Measure F1 of each unit and their mean, ``f1``, over the ``n_units`` that are there.

        Units that no frame of these subjects shows are left out. ``f1_always`` is the mean F1 of
        calling every unit there in every frame: what is had without looking.
        """
        s, units = self.settings, UNITS[self.settings.units]
        data = read_unit_frames(dataset, subjects, s.frames, SIZE, units)
        there, known = (x.numpy() for x in data.there(s.threshold))
        _require_some(there, "held out", dataset)
        self.model.eval()
        with torch.no_grad():
            found = (self.model.classifier(self.model.features(data.images)) > 0).cpu().numpy()
        f1, always = (f1_of_units(x, there, known) for x in (found, np.ones_like(found)))
        numbers = {
            "f1": float(np.nanmean(f1)),
            "f1_always": float(np.nanmean(always)),
            "n_units": float(np.isfinite(f1).sum()),
        }
        each = {f"AU{unit}": float(x) for unit, x in zip(units, f1, strict=True) if np.isfinite(x)}
        return Evaluation(numbers, f1_per_unit=each)

    def _view(
        self, images: Tensor, maps: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """One view of faces, float [B, 3, S, S], and of their maps, float [B, K, 14, 14]."""
        if not self.settings.augment:
            return images, maps
        images, maps = mirror(images, maps, generator)
        images = to_grey(distort(images, generator, share=0.8), generator)
        scale = SIZE / PAPER_SIZE
        return blur(images, generator, (0.1 * scale, 2.0 * scale)), maps

    def _losses(
        self, one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """Eq. 2 to 7: one view seen by the online network, the other by the target network."""
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


def _require_some(there: Tensor | np.ndarray, whose: str, dataset: Dataset) -> None:
    if not there.any():
        raise DatasetError(
            f"no frame of the subjects {whose} shows any action unit",
            wanted="faces that move, as blendshapes say that stand in for labels",
            where=str(dataset.path),
            todo="choose a lower `threshold`, or add recordings",
        )
