"""Which subjects to train on: never the ones that are validated on."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass

from fmdata.catalog.errors import DatasetError

VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Subjects to train on and subjects to validate on, sorted; none in both."""

    train: list[str]
    validation: list[str]


def split_by_folds(folds: Mapping[str, int], where: str) -> Split:
    """Hold out whole folds until about a fifth of the subjects, at least one, are for validation.

    Folds are taken in their own order, each if it brings the number held out nearer to a fifth;
    where every fold alone is too large, the smallest one is taken. A new subject therefore seldom
    moves the others.

    Parameters
    ----------
    folds : mapping of str to int
        The fold of each subject.
    where : str
        The dataset, for the error.

    Raises
    ------
    DatasetError
        When all subjects share one fold: a single subject always does.
    """
    sizes = Counter(folds.values())
    if len(sizes) < 2:
        raise _single_fold(len(folds), where)
    wanted = max(1.0, VALIDATION_SHARE * len(folds))
    held: list[int] = []
    n_held = 0
    for fold in sorted(sizes):
        if abs(n_held + sizes[fold] - wanted) < abs(n_held - wanted):
            held.append(fold)
            n_held += sizes[fold]
    if not held or len(held) == len(sizes):
        held = [min(sizes, key=lambda fold: (sizes[fold], fold))]
    return _held_out(folds, held)


def cross_validation(folds: Mapping[str, int], where: str) -> list[Split]:
    """Hold out every fold that has subjects, one after the other: at most ten splits.

    Each subject is validated on once; where subjects are few, some folds have none.

    Parameters
    ----------
    folds, where
        As in :func:`split_by_folds`.

    Raises
    ------
    DatasetError
        When all subjects share one fold.
    """
    if len(set(folds.values())) < 2:
        raise _single_fold(len(folds), where)
    return [_held_out(folds, {fold}) for fold in sorted(set(folds.values()))]


def _held_out(folds: Mapping[str, int], held: Container[int]) -> Split:
    return Split(
        train=sorted(s for s, fold in folds.items() if fold not in held),
        validation=sorted(s for s, fold in folds.items() if fold in held),
    )


def _single_fold(n_subjects: int, where: str) -> DatasetError:
    return DatasetError(
        f"{n_subjects} subject(s), all in one fold: no subject-disjoint split",
        wanted="subjects in at least two folds, to train on some and validate on others",
        where=where,
        todo="add recordings of more subjects and build again",
    )
