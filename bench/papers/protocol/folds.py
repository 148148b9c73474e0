"""Folds by subject: to train on, to choose by, and to measure last."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from fmdata.train.split import Split


@dataclass(frozen=True)
class Fold:
    """Three sets of subjects that have no subject in common.

    Attributes
    ----------
    number : int
        Number of the fold, from 0.
    train, inner, held_out : tuple of str
        Subjects to train on, to choose settings and thresholds by, and to measure last; sorted.
    """

    number: int
    train: tuple[str, ...]
    inner: tuple[str, ...]
    held_out: tuple[str, ...]

    def __post_init__(self) -> None:
        every = [*self.train, *self.inner, *self.held_out]
        if len(set(every)) < len(every):
            raise ValueError(f"fold {self.number} has a subject twice")
        if not (self.train and self.inner and self.held_out):
            raise ValueError(f"fold {self.number} has nobody to train on, to choose by or to hold")

    @property
    def open(self) -> tuple[str, ...]:
        """The subjects that a training may read."""
        return tuple(sorted(self.train + self.inner))

    @property
    def inner_split(self) -> Split:
        """The split of a training, which knows of no held-out subject."""
        return Split(list(self.train), list(self.inner))

    @property
    def outer_split(self) -> Split:
        """The split for thresholds, which the inner subjects choose."""
        return Split(list(self.inner), list(self.held_out))


def subject_folds(subjects: Iterable[str], n_folds: int, seed: int = 0) -> list[Fold]:
    """Return folds in which every subject is held out once, and is an inner subject once.

    The subjects are dealt in an order by hash, so sizes differ by at most one. The inner subjects
    of a fold are the held-out ones of the next.

    Raises
    ------
    ValueError
        For fewer than three folds, or fewer subjects than folds.
    """
    order = sorted({*subjects}, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    if not 3 <= n_folds <= len(order):
        raise ValueError(f"{n_folds} folds of {len(order)} subjects; at least three are needed")
    groups = [tuple(sorted(order[i::n_folds])) for i in range(n_folds)]
    folds = []
    for i, held_out in enumerate(groups):
        inner = groups[(i + 1) % n_folds]
        train = sorted({*order} - {*held_out} - {*inner})
        folds.append(Fold(i, tuple(train), inner, held_out))
    return folds
