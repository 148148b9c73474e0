"""The default split: whole folds, about a fifth of the subjects, at least one."""

import numpy as np
import pytest

from fmdata.catalog.errors import DatasetError
from fmdata.train.split import split_by_folds


@pytest.mark.parametrize("n", [2, 3, 5, 12, 24, 59, 300])
@pytest.mark.parametrize("seed", range(5))
def test_about_a_fifth_of_the_subjects_is_held_out_by_whole_folds(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folds = {f"s{i:03d}": int(rng.integers(10)) for i in range(n)}
    if len(set(folds.values())) == 1:
        pytest.skip("all subjects drawn into one fold")
    split = split_by_folds(folds, "here")
    assert sorted(split.train + split.validation) == sorted(folds)
    assert split.train
    assert split.validation
    assert not {folds[s] for s in split.train} & {folds[s] for s in split.validation}
    if n >= 24:
        assert 0.1 <= len(split.validation) / n <= 0.3


def test_a_fold_is_held_out_if_it_brings_the_share_nearer_to_a_fifth() -> None:
    # A fifth of ten is two: with fold 1, the three subjects of fold 2 would be too many.
    folds = {"a": 1, "b": 2, "c": 2, "d": 2} | {f"z{i}": 9 for i in range(6)}
    assert split_by_folds(folds, "here").validation == ["a"]


def test_if_every_fold_is_too_large_the_smallest_is_held_out() -> None:
    folds = {"a": 0, "b": 0, "c": 0, "d": 5, "e": 5}
    assert split_by_folds(folds, "here").validation == ["d", "e"]
    assert split_by_folds({"a": 3, "b": 3, "c": 8, "d": 8}, "here").train == ["c", "d"]


@pytest.mark.parametrize("folds", [{"s01": 4}, {"s01": 4, "s02": 4}, {}])
def test_a_single_fold_has_no_split(folds: dict[str, int]) -> None:
    with pytest.raises(DatasetError, match="no subject-disjoint split") as caught:
        split_by_folds(folds, "some/dataset")
    assert caught.value.where == "some/dataset"
