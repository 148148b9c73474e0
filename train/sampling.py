"""Mini-batch sampling: P x K by subject, or positive and negative pairs.

Each class sorts the samples once; a draw is a pure function of a generator. Two clips that make a
positive pair share no take unless `shared_takes`: two compounds that do hold the same pixels.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from fmdata.train.data import LabelledClip, share_a_take

T = TypeVar("T")
ClipsByMotion: TypeAlias = dict[str, dict[str, list[int]]]
"""Positions of clips, by subject and by motion."""


class SubjectBatches:
    """P x K sampling by subject: some subjects, P motions of each, K clips of each motion.

    Parameters
    ----------
    samples : sequence of LabelledClip
        The samples to draw from.
    subjects, motions, takes : int
        Number of subjects in a batch, P and K; fewer where the dataset has fewer.
    shared_takes : bool
        Whether clips of one motion may share a take.
    """

    def __init__(
        self,
        samples: Sequence[LabelledClip],
        subjects: int,
        motions: int,
        takes: int,
        *,
        shared_takes: bool = False,
    ) -> None:
        self._clips = _sorted(samples)
        self._sizes = subjects, motions, takes
        self._apart = _Apart(samples, shared_takes=shared_takes)

    def draw(self, generator: np.random.Generator) -> list[int]:
        """Draw the positions of the clips of one mini-batch, without repetition."""
        n_subjects, n_motions, n_takes = self._sizes
        chosen: list[int] = []
        for subject in _some(sorted(self._clips), n_subjects, generator):
            motions = self._clips[subject]
            for label in _some(sorted(motions), n_motions, generator):
                clips = motions[label]
                chosen += self._apart.first(_some(clips, len(clips), generator), n_takes)
        return chosen


class DrawnPairs(NamedTuple):
    """Positions of the clips of P pairs, int [P] each, and a mask of the positive, bool [P]."""

    first: np.ndarray
    second: np.ndarray
    positive: np.ndarray


class PairBatches:
    """As many positive as negative pairs, both clips of a pair from one subject.

    Sun et al. 2023, section 3.2: a positive pair shows one motion twice, a negative pair two
    motions, and different pairs can come from different subjects. The subject is drawn first, then
    one motion or two, then a clip of each, so that subjects with more clips weigh no more.

    Parameters
    ----------
    samples : sequence of LabelledClip
        The samples to draw from.
    pairs : int
        N, the number of positive pairs and of negative pairs.
    shared_takes : bool
        Whether the clips of a positive pair may share a take.

    Raises
    ------
    ValueError
        When no subject has two clips of a motion, or none has two motions.
    """

    def __init__(
        self, samples: Sequence[LabelledClip], pairs: int, *, shared_takes: bool = False
    ) -> None:
        clips = _sorted(samples)
        self._apart = _Apart(samples, shared_takes=shared_takes)
        twice = {
            subject: [takes for takes in motions.values() if self._apart.pair(takes)]
            for subject, motions in clips.items()
        }
        self._positive = [motions for motions in twice.values() if motions]
        self._negative = [list(m.values()) for m in clips.values() if len(m) > 1]
        if not self._positive or not self._negative:
            raise ValueError(
                "no subject with two clips of a motion that share no take, or none with two motions"
            )
        self._n = pairs

    def draw(self, generator: np.random.Generator) -> DrawnPairs:
        """Draw the pairs of one mini-batch: N positive ones, then N negative ones."""
        pairs = []
        for _ in range(self._n):
            motions = self._positive[generator.integers(len(self._positive))]
            clips = motions[generator.integers(len(motions))]
            pairs.append(self._apart.pair(_some(clips, len(clips), generator)))
        for _ in range(self._n):
            motions = self._negative[generator.integers(len(self._negative))]
            two = _some(motions, 2, generator)
            pairs.append([takes[generator.integers(len(takes))] for takes in two])
        first, second = np.array(pairs).T
        return DrawnPairs(first, second, np.arange(2 * self._n) < self._n)


class _Apart:
    """Chooses clips that share no take, by their positions.

    Parameters
    ----------
    samples : sequence of LabelledClip
        The samples.
    shared_takes : bool
        Whether to choose any clips.
    """

    def __init__(self, samples: Sequence[LabelledClip], *, shared_takes: bool) -> None:
        self._samples, self._all = samples, shared_takes

    def first(self, clips: Sequence[int], n: int) -> list[int]:
        """Return up to `n` clips, each the next that shares no take with those before it."""
        chosen: list[int] = []
        for clip in clips:
            if len(chosen) < n and (self._all or not self._shares(clip, chosen)):
                chosen.append(clip)
        return chosen

    def pair(self, clips: Sequence[int]) -> list[int]:
        """Return the first two clips that share no take; none where all do."""
        for start in range(len(clips)):
            two = self.first(clips[start:], 2)
            if len(two) == 2:
                return two
        return []

    def _shares(self, clip: int, others: Iterable[int]) -> bool:
        return any(share_a_take(self._samples[clip], self._samples[other]) for other in others)


def _sorted(samples: Iterable[LabelledClip]) -> ClipsByMotion:
    clips: ClipsByMotion = defaultdict(lambda: defaultdict(list))
    for i, sample in enumerate(samples):
        clips[sample.subject][sample.label].append(i)
    return clips


def _some(of: Sequence[T], n: int, generator: np.random.Generator) -> list[T]:
    return [of[i] for i in generator.permutation(len(of))[:n]]
