"""A training cannot read a held-out subject, and a choice cannot be made by one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.papers.protocol.choice import InnerResult, choose
from bench.papers.protocol.folds import Fold, subject_folds
from bench.papers.protocol.sealed import HeldOutError, SealedDataset
from bench.papers.protocol.training import FinalResult
from fmdata.catalog import Dataset
from fmdata.train.data import action_samples, compound_samples
from fmdata.train.run import folds_of
from tests.helpers.drawn_faces import write_dataset

FOLD = Fold(0, ("a",), ("b",), ("c",))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("drawn") / "dataset", {"c": 1, "a": 1, "b": 7})


@pytest.fixture
def sealed(dataset: Path) -> SealedDataset:
    return SealedDataset(dataset, FOLD.open)


def test_every_way_of_reading_passes_held_out_subjects_over(
    sealed: SealedDataset, dataset: Path
) -> None:
    for half, every in (
        (sealed.actions, Dataset(dataset).actions),
        (sealed.compounds, Dataset(dataset).compounds),
    ):
        assert [*half.subjects] == ["a", "b"]
        assert {clip.subject for clip in half} == {"a", "b"}
        assert {row["subject"] for row in half.rows(["key", "subject"])} == {"a", "b"}
        keys = half.table(["key"])["key"].to_pylist()
        assert keys == half.keys == [c.key for c in every if c.subject != "c"]
        assert len(half) == len(keys) == len(every) * 2 // 3
        assert half[0].key == keys[0]
        assert half[keys[-1]].subject in FOLD.open
        frames = {k for table in half.frame_tables(["key"]) for k in table["key"].to_pylist()}
        assert frames == {*keys}
    assert set(folds_of(sealed)) == {"a", "b"}
    assert {sample.subject for sample in action_samples(sealed)} == {"a", "b"}
    assert {sample.subject for sample in compound_samples(sealed)} == {"a", "b"}
    assert (
        sealed.actions["a-smile-0"].frames() == Dataset(dataset).actions["a-smile-0"].frames()
    ).all()


@pytest.mark.parametrize(
    "attempt",
    [
        lambda sealed: sealed.actions["c-smile-0"],
        lambda sealed: sealed.compounds["c-brows-mouth-c0"],
        lambda sealed: [*sealed.actions.of_subject("c")],
        lambda sealed: [*sealed.actions.shards()],
        lambda sealed: sealed.dropped(),
    ],
)
def test_an_attempt_to_read_a_held_out_subject_fails(
    sealed: SealedDataset, attempt: Callable[[SealedDataset], object]
) -> None:
    with pytest.raises(HeldOutError):
        attempt(sealed)


def test_numbers_of_a_held_out_or_a_training_subject_are_no_inner_result() -> None:
    for subject in ("a", "c"):
        with pytest.raises(ValueError, match=f"numbers of {subject}, who may choose nothing"):
            InnerResult(FOLD, (), {"b": {"f1": 1.0}, subject: {"f1": 1.0}})


def test_settings_are_chosen_by_inner_results_of_one_fold_only() -> None:
    final = FinalResult(0, {"c": {"f1": 0.9}}, {})
    with pytest.raises(TypeError, match="inner results only"):
        choose([final], "f1")  # type: ignore[list-item]
    other = Fold(1, ("b",), ("c",), ("a",))
    with pytest.raises(ValueError, match="within one fold"):
        choose([InnerResult(FOLD, (), {}), InnerResult(other, (), {})], "f1")


def test_the_best_trial_is_chosen_and_all_are_reported() -> None:
    def result(trial: str, *values: float) -> InnerResult:
        fold = Fold(0, ("a",), ("b", "d"), ("c",))
        numbers = dict(zip(("b", "d"), ({"f1": v} for v in values), strict=False))
        return InnerResult(fold, (trial,), numbers)

    found = choose([result("rate=1", 0.2, 0.4), result("rate=2", 0.5, 0.3), result("rate=3")], "f1")
    assert found.trial == ("rate=2",)
    assert found.means[:2] == pytest.approx((0.3, 0.4))


@pytest.mark.parametrize(("n", "k"), [(24, 10), (60, 10), (9, 3), (5, 5)])
def test_every_subject_is_held_out_once_and_inner_once(n: int, k: int) -> None:
    names = [f"s{i:02d}" for i in range(n)]
    folds = subject_folds(names, k)
    for part in ("held_out", "inner"):
        parts: Sequence[str] = sorted(s for fold in folds for s in getattr(fold, part))
        assert parts == names
    sizes = [len(fold.held_out) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        assert sorted(fold.train + fold.inner + fold.held_out) == names
        assert not {*fold.open} & {*fold.held_out}
        assert not {*fold.inner_split.train, *fold.inner_split.validation} & {*fold.held_out}
    assert folds == subject_folds(reversed(names), k)


def test_a_fold_with_a_subject_on_two_sides_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Fold(0, ("a",), ("b",), ("a",))
    with pytest.raises(ValueError, match="nobody"):
        Fold(0, ("a",), (), ("c",))
    with pytest.raises(ValueError, match="at least three"):
        subject_folds(["a", "b", "c"], 2)
