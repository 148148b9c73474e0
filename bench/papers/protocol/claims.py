"""Verdicts on claims, over all claims of a paper together, and the convergence of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.papers.protocol.differences import Estimate, estimate, holm, holm_levels, paired
from bench.papers.protocol.training import FinalResult
from fmdata.train.verification.bootstrap import LEVEL

AGREES, CONTRADICTS, UNDECIDED = "agrees", "contradicts", "undecided"


@dataclass(frozen=True)
class Verdict:
    """Verdict on a claim that a difference is positive.

    Attributes
    ----------
    difference : Estimate
        Paired by subject.
    p : float
        Adjusted by Holm's procedure over all claims of the paper.
    detectable : float
        Smallest difference that a test at the level of this claim finds with a power of 80 %.
    """

    difference: Estimate
    p: float
    detectable: float

    @property
    def word(self) -> str:
        """One of :data:`AGREES`, :data:`CONTRADICTS` and :data:`UNDECIDED`."""
        if not self.p <= 1 - LEVEL:
            return UNDECIDED
        return AGREES if self.difference.mean > 0 else CONTRADICTS

    def __str__(self) -> str:
        d = self.difference
        words = f"{d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}], p {self.p:.3f}, {d.n} subjects"
        if self.word == UNDECIDED:
            words += f"; the smallest difference that could be seen is {self.detectable:.3f}"
        return words


def judge(differences: Sequence[Estimate], n_claims: int | None = None) -> list[Verdict]:
    """Return the verdicts on a paper's claims.

    `n_claims` is the number of the paper's claims. Those that are not measured yet count as the
    weakest, so a verdict can only become firmer when they are.
    """
    missing = max(0, (n_claims or 0) - len(differences))
    p_values = [d.p for d in differences] + [1.0] * missing
    return [
        Verdict(d, p, d.detectable(level))
        for d, p, level in zip(differences, holm(p_values), holm_levels(p_values), strict=False)
    ]


def values_of(results: Sequence[FinalResult], number: str) -> dict[str, float]:
    """Return a number of each held-out subject, the mean over the seeds, from all folds."""
    found: dict[str, list[float]] = {}
    for result in results:
        for subject, numbers in result.by_subject.items():
            if number in numbers:
                found.setdefault(subject, []).append(numbers[number])
    return {subject: sum(some) / len(some) for subject, some in sorted(found.items())}


@dataclass(frozen=True)
class Doubled:
    """Effect of doubling the steps of a row, from half of them to all.

    Attributes
    ----------
    moved : Estimate
        Paired by subject.
    reach : float
        Half the width of the row's own interval.
    """

    moved: Estimate
    reach: float

    @property
    def counts(self) -> bool:
        """True where the row has converged: doubling moved it by less than its interval."""
        return abs(self.moved.mean) < self.reach


def doubled(full: Mapping[str, float], half: Mapping[str, float]) -> Doubled | None:
    """Compare a number with all steps to that with half of them; None without a common subject."""
    if not full.keys() & half.keys():
        return None
    return Doubled(paired(full, half), estimate(list(full.values())).reach)
