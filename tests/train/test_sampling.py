"""Mini-batches have the promised composition, and every clip is drawn."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from fmdata.train.data import LabelledClip, Piece
from fmdata.train.sampling import DrawnPairs, PairBatches, SubjectBatches


def invented(subject: str, label: str, take: int) -> LabelledClip:
    key = f"{subject}-{label}-{take}"
    return LabelledClip(key, subject, label, 0, (Piece(key, 0, 9),), 2, 7)


def test_batches_hold_p_motions_and_k_takes_of_each_subject() -> None:
    samples = [invented(s, m, t) for s in "abc" for m in "vwxyz" for t in range(6)]
    batches = SubjectBatches(samples, subjects=2, motions=3, takes=4)
    rng = np.random.default_rng(0)
    seen: set[int] = set()
    for _ in range(60):
        chosen = batches.draw(rng)
        assert len(set(chosen)) == len(chosen) == 24
        counts = Counter((samples[i].subject, samples[i].label) for i in chosen)
        assert set(counts.values()) == {4}
        assert set(Counter(subject for subject, _ in counts).values()) == {3}
        seen |= set(chosen)
    assert seen == set(range(len(samples)))
    again = batches.draw(np.random.default_rng(5))
    assert again == batches.draw(np.random.default_rng(5))


def test_small_datasets_give_smaller_batches() -> None:
    samples = [invented("a", "x", 0), invented("a", "x", 1), invented("a", "y", 0)]
    chosen = SubjectBatches(samples, 4, 4, 4).draw(np.random.default_rng(0))
    assert sorted(chosen) == [0, 1, 2]


def test_half_the_pairs_are_positive_and_none_crosses_subjects() -> None:
    """Three subjects; c has a single motion and no negative pair, b's single take of z no pair."""
    samples = [invented(s, m, t) for s in "ab" for m in "xy" for t in range(3)]
    samples += [invented("b", "z", 0), *(invented("c", "x", t) for t in range(2))]
    batches, rng = PairBatches(samples, 5), np.random.default_rng(0)
    seen: set[int] = set()
    subjects: dict[bool, set[str]] = {True: set(), False: set()}
    for _ in range(80):
        first, second, positive = batches.draw(rng)
        assert len(first) == len(second) == 10
        assert int(positive.sum()) == 5
        for i, j, same in zip(first, second, positive.tolist(), strict=True):
            assert i != j
            assert samples[i].subject == samples[j].subject
            assert (samples[i].label == samples[j].label) == same
            seen |= {int(i), int(j)}
            subjects[same].add(samples[i].subject)
    assert seen == set(range(len(samples)))
    assert subjects == {True: {"a", "b", "c"}, False: {"a", "b"}}


def test_pairs_depend_on_the_generator_alone() -> None:
    batches = PairBatches([invented("a", m, t) for m in "xyz" for t in range(4)], 6)
    one, again, other = (batches.draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.first.tolist() == again.first.tolist()
    assert one.second.tolist() == again.second.tolist()
    assert one.first.tolist() != other.first.tolist()


@pytest.mark.parametrize("motions", ["x", "xyz"])
def test_samples_without_positive_or_negative_pairs_are_refused(motions: str) -> None:
    takes = 2 if motions == "x" else 1
    with pytest.raises(ValueError, match="two clips of a motion"):
        PairBatches([invented("a", m, t) for m in motions for t in range(takes)], 3)


def compound(label: str, copy: int, *takes: str) -> LabelledClip:
    pieces = tuple(Piece(take, 0, 9) for take in takes)
    return LabelledClip(f"a-{label}-c{copy}", "a", label, 0, pieces, 2, 7)


def five_copies(label: str) -> list[LabelledClip]:
    """Return copies of a compound of four takes each; the last shares takes with two others."""
    pairs = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1)]
    return [compound(label, n, f"{label}{i}", f"{label}-{j}") for n, (i, j) in enumerate(pairs)]


def test_positive_pairs_share_no_take() -> None:
    samples = [*five_copies("x"), *five_copies("y")]
    rng, drawn = np.random.default_rng(0), set()
    batches = PairBatches(samples, 4)
    for _ in range(100):
        first, second, positive = batches.draw(rng)
        for i, j in zip(first[positive], second[positive], strict=True):
            assert samples[i].label == samples[j].label
            assert not samples[i].takes & samples[j].takes
            drawn.add(frozenset((int(i), int(j))))
    assert len(drawn) == 2 * 8  # of the 10 pairs of each compound, two share a take
    assert shares_takes(PairBatches(samples, 4, shared_takes=True).draw, samples)


def shares_takes(draw: Callable[[np.random.Generator], DrawnPairs], of: list[LabelledClip]) -> bool:
    """Return whether any of many drawn positive pairs shares a take."""
    rng = np.random.default_rng(0)
    pairs = [draw(rng) for _ in range(60)]
    return any(
        of[i].takes & of[j].takes
        for first, second, positive in pairs
        for i, j in zip(first[positive], second[positive], strict=True)
    )


def test_clips_of_one_motion_in_a_batch_share_no_take() -> None:
    samples = [*five_copies("x"), *five_copies("y")]
    rng, seen = np.random.default_rng(0), set()
    batches = SubjectBatches(samples, subjects=1, motions=2, takes=4)
    for _ in range(60):
        chosen = batches.draw(rng)
        for label in "xy":
            takes = [t for i in chosen if samples[i].label == label for t in samples[i].takes]
            assert len(set(takes)) == len(takes) >= 2 * 3
        seen |= set(chosen)
    assert seen == set(range(10))
    free = SubjectBatches(samples, 1, 2, 5, shared_takes=True).draw(np.random.default_rng(0))
    assert sorted(free) == list(range(10))


def test_samples_whose_positive_pairs_all_share_a_take_are_refused() -> None:
    samples = [compound(m, n, f"{m}0", f"{m}-{n}") for m in "xy" for n in range(3)]
    with pytest.raises(ValueError, match="share no take"):
        PairBatches(samples, 2)
    assert PairBatches(samples, 2, shared_takes=True).draw(np.random.default_rng(0))
