"""The choice of settings, by inner subjects only.

Promises, held by the types: :func:`choose` takes :class:`InnerResult` and nothing else; an inner
result holds numbers of a fold's inner subjects, and raises for any other subject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.papers.protocol.folds import Fold

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class InnerResult:
    """Result of one trial: numbers of each inner subject of a fold.

    Attributes
    ----------
    fold : Fold
    trial : tuple of str
        Assignments of settings, such as ``rate=0.001``.
    by_subject : dict of str to dict of str to float
        Numbers by name, by subject.

    Raises
    ------
    ValueError
        At construction, for a number of a subject that is not an inner one.
    """

    fold: Fold
    trial: tuple[str, ...]
    by_subject: Mapping[str, Numbers]

    def __post_init__(self) -> None:
        if others := sorted({*self.by_subject} - {*self.fold.inner}):
            raise ValueError(f"numbers of {', '.join(others)}, who may choose nothing")

    def mean(self, number: str) -> float:
        """Return the mean of a number over the subjects that have it; NaN for none."""
        values = [numbers[number] for numbers in self.by_subject.values() if number in numbers]
        return float(np.mean(values)) if values else float("nan")


@dataclass(frozen=True)
class Choice:
    """The trial with the best mean of a number, and the means of all trials in their order."""

    trial: tuple[str, ...]
    means: tuple[float, ...]


def choose(results: Sequence[InnerResult], number: str) -> Choice:
    """Choose the trial with the highest mean of a number; the first of equal ones.

    Raises
    ------
    TypeError
        For anything but inner results.
    ValueError
        For results of several folds, or none at all.
    """
    if not all(type(result) is InnerResult for result in results):
        raise TypeError("settings are chosen by inner results only")
    if len({result.fold for result in results}) != 1:
        raise ValueError("a choice is made within one fold")
    means = tuple(result.mean(number) for result in results)
    best = int(np.argmax(np.nan_to_num(means, nan=-np.inf)))
    return Choice(results[best].trial, means)
