"""A verification measured: error rates by kind of impostor, by enrolment and by condition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from fmdata.catalog import Dataset
from fmdata.catalog.printable import listing
from fmdata.train.data import LabelledClip, positive_pairs
from fmdata.train.split import Split
from fmdata.train.verification.calibration import Calibrated, measure_calibration
from fmdata.train.verification.clips import ComparedClips, compared_clips
from fmdata.train.verification.comparisons import (
    GROUPS,
    PAPER,
    Comparisons,
    Kind,
    compare,
    enrolments,
)
from fmdata.train.verification.conditions import ConditionRow, by_condition
from fmdata.train.verification.operating import (
    BEST,
    ENROLLED,
    FARS,
    MEAN,
    Operating,
    Threshold,
    TrainingScores,
)
from fmdata.train.verification.rates import ErrorRates, Interval, accepted_share
from fmdata.train.verification.settings import EvaluateSettings


class EmbeddedClips(NamedTuple):
    """Clips and their embeddings, float32 [N, n], rows of length 1."""

    vectors: np.ndarray
    samples: Sequence[LabelledClip]


@runtime_checkable
class Verifier(Protocol):
    """A recipe whose embeddings verify motions."""

    def embed_subjects(self, dataset: Dataset, subjects: Sequence[str]) -> EmbeddedClips:
        """Embed all clips of some subjects."""


@dataclass(frozen=True)
class Operated:
    """FAR and FRR of unseen subjects at a threshold that training subjects have chosen.

    Attributes
    ----------
    enrolled : int
        Number of enrolled clips.
    by : str
        ``mean`` of the embeddings, or the ``best`` of the similarities.
    threshold : Threshold
    far : Interval
        Of the same person's other motions.
    frr : Interval
    n_genuine, n_impostors : int
        Number of comparisons.
    """

    enrolled: int
    by: str
    threshold: Threshold
    far: Interval
    frr: Interval
    n_genuine: int
    n_impostors: int


@dataclass(frozen=True)
class Group:
    """One kind of impostors: their error rates, and their FAR at each threshold, by its FAR."""

    rates: ErrorRates
    far: Mapping[float, Interval]


@dataclass(frozen=True)
class Verification:
    """Result of :func:`verify`, on subjects that chose nothing.

    Attributes
    ----------
    subjects : tuple of str
        Subjects that were measured.
    groups : dict
        By the name of a group of impostors, in the order of :data:`GROUPS`; without empty ones.
    operated : list of Operated
        One row for each enrolment and threshold.
    conditions : list of ConditionRow
        At the threshold for a FAR of 1 %, one enrolled clip.
    calibrated : Calibrated or None
    """

    subjects: tuple[str, ...]
    groups: Mapping[str, Group]
    operated: Sequence[Operated]
    conditions: Sequence[ConditionRow]
    calibrated: Calibrated | None

    @property
    def numbers(self) -> dict[str, float]:
        """The most important numbers, by name; those that could not be measured lack."""
        found: dict[str, float] = {}
        if PAPER in self.groups:
            found |= {"eer": self.groups[PAPER].rates.eer.value}
        for row in self.operated:
            if (row.enrolled, row.by) == (1, MEAN):
                name = f"{100 * row.threshold.far:g}"
                found |= {f"frr_at_far_{name}": row.frr.value, f"far_at_{name}": row.far.value}
        if self.calibrated:
            found |= {"calibration_error": self.calibrated.error, "cllr": self.calibrated.cllr}
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def __str__(self) -> str:
        groups = [
            (name, f"EER {group.rates.eer}" + "".join(
                f", FAR {interval} at {100 * far:g} %" for far, interval in group.far.items()
            ))
            for name, group in self.groups.items()
        ]  # fmt: skip
        operated = [
            (f"{row.enrolled} enrolled, {row.by}, FAR {100 * row.threshold.far:g} %",
             f"FRR {row.frr}, FAR {row.far}")
            for row in self.operated
        ]  # fmt: skip
        conditions = [(f"{row.condition}: {row.level}", str(row)) for row in self.conditions]
        return "\n".join(
            listing(title, rows)
            for title, rows in (
                ("impostors, and their FAR at thresholds of training subjects", groups),
                ("enrolment, at thresholds of training subjects", operated),
                ("conditions of genuine comparisons", conditions),
            )
            if rows
        )

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON holds them."""
        calibrated = self.calibrated
        return {
            "groups": {
                name: {
                    "genuine": group.rates.n_genuine,
                    "impostors": group.rates.n_impostors,
                    "eer": plain(group.rates.eer),
                    "roc_area": group.rates.roc_area,
                    "far": {f"{far:g}": plain(found) for far, found in group.far.items()},
                }
                for name, group in self.groups.items()
            },
            "operated": [
                {
                    "enrolled": row.enrolled, "by": row.by, "wanted_far": row.threshold.far,
                    "threshold": row.threshold.similarity, "far": plain(row.far),
                    "frr": plain(row.frr), "genuine": row.n_genuine, "impostors": row.n_impostors,
                }
                for row in self.operated
            ],
            "conditions": [
                {"condition": row.condition, "level": row.level, "genuine": row.n_genuine,
                 "frr": plain(row.frr), "impostors": row.n_impostors, "far": plain(row.far)}
                for row in self.conditions
            ],
            "calibration": calibrated and {"error": calibrated.error, "cllr": calibrated.cllr},
        }  # fmt: skip


def plain(interval: Interval) -> list[float | None]:
    """Return value, low and high as JSON holds them; None for NaN."""
    ends = interval.value, interval.low, interval.high
    return [float(end) if np.isfinite(end) else None for end in ends]


def choose_operating(recipe: object, dataset: Dataset, split: Split) -> Operating:
    """Choose thresholds and calibration on the training subjects.

    Nothing is chosen for other recipes, or where no such subject shows a measured motion twice.
    """
    if not isinstance(recipe, Verifier):
        return Operating()
    embedded = recipe.embed_subjects(dataset, split.train)
    if next(positive_pairs(embedded.samples), None) is None:
        return Operating()
    return operating_of(embedded, compared_clips(dataset, embedded.samples), split)


def operating_of(embedded: EmbeddedClips, clips: ComparedClips, split: Split) -> Operating:
    """Choose thresholds and calibration by embedded clips of training subjects."""
    scores = {
        how: TrainingScores(scored, split)
        for how, scored in _by_enrolment(embedded, clips, shared_names=False)
        if len(scored)
    }
    return Operating.choose(scores)


def verify(
    recipe: Verifier,
    dataset: Dataset,
    subjects: Sequence[str],
    operating: Operating,
    settings: EvaluateSettings = EvaluateSettings(),  # noqa: B008
) -> Verification:
    """Measure a verifier on some subjects.

    Raises
    ------
    InternalError
        When a subject helped to choose a threshold or the calibration.
    """
    embedded = recipe.embed_subjects(dataset, subjects)
    clips = compared_clips(dataset, embedded.samples, settings.day)
    return verified(embedded, clips, operating, shared_names=settings.names == "shared")


def verified(
    embedded: EmbeddedClips,
    clips: ComparedClips,
    operating: Operating,
    *,
    shared_names: bool = True,
) -> Verification:
    """Measure embedded clips, as :func:`verify` does."""
    scored = dict(_by_enrolment(embedded, clips, shared_names=shared_names))
    single = scored[1, MEAN]
    at = {far: operating.thresholds.get((1, MEAN, far)) for far in FARS}
    groups = {}
    for name, kinds in GROUPS.items():
        some = single.where(single.of(*kinds))
        if len(some) and single.of(Kind.GENUINE).any():
            far = {far: _accepted(some, one) for far, one in at.items() if one is not None}
            groups[name] = Group(ErrorRates(single, kinds), far)
    strict = at[FARS[0]]
    calibration = operating.calibration
    return Verification(
        subjects=clips.names,
        groups=groups,
        operated=[
            _operated(scored[n, by], n, by, threshold)
            for (n, by, _), threshold in operating.thresholds.items()
            if scored[n, by].of(Kind.GENUINE).any()
        ],
        conditions=by_condition(single, clips, strict) if strict else [],
        calibrated=measure_calibration(single, calibration) if calibration else None,
    )


def _by_enrolment(
    embedded: EmbeddedClips, clips: ComparedClips, *, shared_names: bool
) -> list[tuple[tuple[int, str], Comparisons]]:
    """Score one clip against one, and enrolments of several clips in either way."""
    vectors, found = embedded.vectors, []
    found.append(((1, MEAN), compare(vectors, clips, shared_names=shared_names)))
    for n in ENROLLED[1:]:
        enrolled = enrolments(clips, n)
        for by in (MEAN, BEST):
            scored = compare(vectors, clips, enrolled, best=by == BEST, shared_names=shared_names)
            found.append(((n, by), scored))
    return found


def _operated(scored: Comparisons, n: int, by: str, threshold: Threshold) -> Operated:
    genuine = scored.where(scored.of(Kind.GENUINE))
    impostors = scored.where(scored.of(*GROUPS[PAPER]))
    frr = _accepted(genuine, threshold).complement
    far = _accepted(impostors, threshold)
    return Operated(n, by, threshold, far, frr, len(genuine), len(impostors))


def _accepted(some: Comparisons, threshold: Threshold) -> Interval:
    threshold.require_unseen(some)
    return accepted_share(some, threshold.similarity)
