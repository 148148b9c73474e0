"""Which clips stand together in a mini-batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from fmdata.train.data import Sample

T = TypeVar("T")


class SubjectBatches:
    """P x K sampling by subject: some subjects, P motions of each, K clips of each motion.

    Parameters
    ----------
    samples : sequence of Sample
        What to draw from.
    subjects, motions, takes : int
        Subjects in a batch, P and K; fewer where there are no more.
    """

    def __init__(self, samples: Iterable[Sample], subjects: int, motions: int, takes: int) -> None:
        self._clips: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i, sample in enumerate(samples):
            self._clips[sample.subject][sample.label].append(i)
        self._sizes = subjects, motions, takes

    def draw(self, generator: np.random.Generator) -> list[int]:
        """Positions of the clips of one mini-batch, without repetition."""
        n_subjects, n_motions, n_takes = self._sizes
        chosen: list[int] = []
        for subject in _some(sorted(self._clips), n_subjects, generator):
            motions = self._clips[subject]
            for label in _some(sorted(motions), n_motions, generator):
                chosen += _some(motions[label], n_takes, generator)
        return chosen


def _some(of: Sequence[T], n: int, generator: np.random.Generator) -> list[T]:
    return [of[i] for i in generator.permutation(len(of))[:n]]
