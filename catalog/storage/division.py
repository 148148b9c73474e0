"""Division of a dataset's samples among shards.

Promise: samples are ordered by fold, subject and key, independent of the order of their making. A
shard never mixes folds, and a subject lies in one shard unless it alone is larger than a shard.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Planned(NamedTuple):
    """Facts that decide the shard of a sample; sorts by fold, subject and key."""

    fold: int
    subject: str
    key: str
    n_bytes: int


class Run(NamedTuple):
    """Consecutive samples of one subject that lie in one shard.

    Attributes
    ----------
    fold, subject
        The subject, and its fold.
    start, stop : int
        Places of the samples among the subject's, which are sorted by key; half-open.
    weight : int
        Their size, in the unit in which a shard is limited: bytes, or samples of a plan.
    whole : bool
        True where these are all samples of the subject.
    """

    fold: int
    subject: str
    start: int
    stop: int
    weight: int
    whole: bool


def runs_of(fold: int, subject: str, weights: np.ndarray, limit: int) -> list[Run]:
    """Cut the samples of one subject, of weights int64 [N], into runs of at most `limit`.

    There is one run if they all fit. A sample that is heavier by itself is a run.
    """
    before = np.append(0, np.cumsum(weights))
    begins = [0]
    while before[-1] - before[begins[-1]] > limit and begins[-1] + 1 < len(weights):
        fits = int(np.searchsorted(before, before[begins[-1]] + limit, side="right")) - 1
        begins.append(max(fits, begins[-1] + 1))
    whole = bool(before[-1] <= limit)
    return [
        Run(fold, subject, start, stop, int(before[stop] - before[start]), whole)
        for start, stop in pairwise([*begins, len(weights)])
    ]


def divide(runs: Iterable[Run], limit: int) -> Iterator[list[Run]]:
    """Yield the runs of each shard of about the weight `limit`; `runs` are sorted.

    A new shard begins at each fold, before a subject that does not fit, and with each run of a
    subject that is larger than a shard by itself.
    """
    shard: list[Run] = []
    filled = 0
    for run in runs:
        same_fold = not shard or shard[-1].fold == run.fold
        if shard and not (run.whole and same_fold and filled + run.weight <= limit):
            yield shard
            shard, filled = [], 0
        shard.append(run)
        filled += run.weight
    if shard:
        yield shard


def plan_shards(samples: Iterable[Planned], limit: int) -> list[list[Planned]]:
    """Divide samples among shards of about `limit` bytes, by the rules of :func:`divide`."""
    of_subject: dict[tuple[int, str], list[Planned]] = {}
    for sample in sorted(samples):
        of_subject.setdefault((sample.fold, sample.subject), []).append(sample)
    runs = (
        run
        for (fold, subject), ones in of_subject.items()
        for run in runs_of(fold, subject, np.array([one.n_bytes for one in ones]), limit)
    )
    return [
        [one for run in shard for one in of_subject[run.fold, run.subject][run.start : run.stop]]
        for shard in divide(runs, limit)
    ]
