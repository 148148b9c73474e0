"""Subject-disjoint splits into training and validation subjects, by whole folds."""

from collections import Counter
from collections.abc import Mapping
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

    Folds are visited in order; each is held out if that brings the number of subjects nearer to a
    fifth. Where every single fold is too large, the smallest is held out. A new subject therefore
    seldom moves the others.

    Parameters
    ----------
    folds : mapping of str to int
        Fold of each subject.
    where : str
        Path of the dataset, for the error.

    Raises
    ------
    DatasetError
        When all subjects share one fold, as a single subject does.
    """
    sizes = Counter(folds.values())
    if len(sizes) < 2:
        raise DatasetError(
            f"{len(folds)} subject(s), all in one fold: no subject-disjoint split",
            wanted="subjects in at least two folds, to train on some and validate on others",
            where=where,
            todo="add recordings of more subjects and build again",
        )
    wanted = max(1.0, VALIDATION_SHARE * len(folds))
    held: list[int] = []
    n_held = 0
    for fold in sorted(sizes):
        if abs(n_held + sizes[fold] - wanted) < abs(n_held - wanted):
            held.append(fold)
            n_held += sizes[fold]
    if not held or len(held) == len(sizes):
        held = [min(sizes, key=lambda fold: (sizes[fold], fold))]
    return Split(
        train=sorted(s for s, fold in folds.items() if fold not in held),
        validation=sorted(s for s, fold in folds.items() if fold in held),
    )


def choose_split(folds: Mapping[str, int], hold_out: int, where: str) -> Split:
    """Hold out the subjects of one fold, 0 to 9; -1 splits by :func:`split_by_folds`.

    Raises
    ------
    DatasetError
        When one side of the split would have no subject.
    """
    if hold_out == -1:
        return split_by_folds(folds, where)
    train = sorted(s for s, fold in folds.items() if fold != hold_out)
    validation = sorted(s for s, fold in folds.items() if fold == hold_out)
    if not train or not validation:
        there = ", ".join(map(str, sorted(set(folds.values()))))
        raise DatasetError(
            f"no subject-disjoint split by fold {hold_out}",
            wanted=f"one of several folds that hold subjects; there are {there}",
            where=where,
            todo="give another --set hold_out=FOLD, or leave it out",
        )
    return Split(train, validation)
