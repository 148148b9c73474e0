"""Mini-batches hold what they say, and follow from their generator alone."""

from collections import Counter

import numpy as np

from fmdata.train.data import Piece, Sample
from fmdata.train.sampling import SubjectBatches


def made_up(subject: str, label: str, take: int) -> Sample:
    key = f"{subject}-{label}-{take}"
    return Sample(key, subject, label, 0, (Piece(key, 0, 9),), 2, 7)


def test_batches_hold_p_motions_and_k_takes_of_each_subject() -> None:
    samples = [made_up(s, m, t) for s in "abc" for m in "vwxyz" for t in range(6)]
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
    samples = [made_up("a", "x", 0), made_up("a", "x", 1), made_up("a", "y", 0)]
    chosen = SubjectBatches(samples, 4, 4, 4).draw(np.random.default_rng(0))
    assert sorted(chosen) == [0, 1, 2]
