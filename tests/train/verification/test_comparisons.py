"""Comparisons are of the right kinds, compare no clip with itself, and are few enough."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fmdata.train.verification import comparisons as module
from fmdata.train.verification.comparisons import GROUPS, PAPER, Kind, compare, enrolments
from tests.helpers.motions import clips_of, compounds_of, embeddings_of


def test_each_pair_of_clips_is_compared_once_and_has_its_kind() -> None:
    """Two subjects, two motions, three takes: kinds counted by hand."""
    clips = clips_of("ab", ["x", "y"], 3)
    found = compare(embeddings_of(clips), clips)
    pairs = {frozenset(pair) for pair in zip(found.enrolled.tolist(), found.probe, strict=True)}
    assert len(pairs) == len(found) == 12 * 11 / 2
    counts = Counter(map(Kind, found.kind.tolist()))
    # Within each subject 2 x 3 genuine pairs and 3 x 3 of two motions; across, 2 x 9 and 2 x 9.
    assert counts == {
        Kind.GENUINE: 12,
        Kind.OTHER_MOTION: 18,
        Kind.SAME_MOTION: 18,
        Kind.OTHER_PERSON: 18,
    }


def test_names_of_their_own_are_no_motion_in_common() -> None:
    clips = clips_of("ab", ["x", "y"], 3)
    found = compare(embeddings_of(clips), clips, shared_names=False)
    assert Kind.SAME_MOTION not in found.kind
    assert (found.kind == Kind.OTHER_PERSON).sum() == 36


def test_compounds_in_reverse_order_and_with_one_part_in_common_are_kinds_of_their_own() -> None:
    clips = compounds_of(["ab", "ba", "ac", "cd"], copies=1)
    found = compare(embeddings_of(clips), clips)
    names = ["ab", "ba", "ac", "cd"]
    kinds = {
        (names[i], names[j]): Kind(k)
        for i, j, k in zip(found.enrolled, found.probe, found.kind, strict=True)
    }
    assert kinds == {
        ("ab", "ba"): Kind.REVERSED,
        ("ab", "ac"): Kind.ONE_PART,
        ("ba", "ac"): Kind.ONE_PART,
        ("ab", "cd"): Kind.OTHER_MOTION,
        ("ba", "cd"): Kind.OTHER_MOTION,
        ("ac", "cd"): Kind.ONE_PART,
    }
    assert set(kinds.values()) == set(GROUPS[PAPER])


def test_no_comparison_within_a_subject_shares_a_take() -> None:
    """Clips 0 to 2 share take 0, also where their motions differ; 3 shares none with them."""
    clips = compounds_of(["ab", "ac"], copies=2)
    shared = replace(clips, takes=np.array([[0, 1], [0, 2], [0, 3], [4, 5]]))
    found = compare(embeddings_of(shared), shared)
    pairs = list(zip(found.enrolled.tolist(), found.probe.tolist(), found.kind, strict=True))
    assert pairs == [(0, 3, Kind.ONE_PART), (1, 3, Kind.ONE_PART), (2, 3, Kind.GENUINE)]
    several = compare(embeddings_of(shared), shared, module.Enrolments(np.array([[2, 3], [0, 3]])))
    assert len(several) == 0


def test_an_enrolment_has_different_takes_and_leaves_one_to_probe_with() -> None:
    clips = clips_of("a", ["x", "y"], 4)
    three = enrolments(clips, 3).clips
    assert three.tolist() == [
        [0, 1, 2], [1, 2, 3], [2, 3, 0], [3, 0, 1],
        [4, 5, 6], [5, 6, 7], [6, 7, 4], [7, 4, 5],
    ]  # fmt: skip
    assert len(enrolments(clips, 4).clips) == 0
    found = compare(embeddings_of(clips), clips, enrolments(clips, 3))
    genuine = found.where(found.of(Kind.GENUINE))
    assert len(genuine) == 8  # each enrolment has one clip left
    assert found.of(Kind.OTHER_MOTION).sum() == 8 * 4


def test_clips_that_share_a_take_are_not_enrolled_together() -> None:
    clips = replace(clips_of("a", ["x"], 4), takes=np.array([[0], [0], [1], [2]]))
    rows = enrolments(clips, 2).clips.tolist()
    assert all(sorted(row) != [0, 1] for row in rows)
    assert rows[0] == [0, 2]


def test_the_mean_and_the_best_of_the_enrolled_score_as_computed_by_hand() -> None:
    clips = clips_of("a", ["x"], 3)
    vectors = np.float32([[1, 0], [0, 1], [0.6, 0.8]])
    enrolled = module.Enrolments(np.array([[0, 1]]))
    mean = compare(vectors, clips, enrolled)
    best = compare(vectors, clips, enrolled, best=True)
    assert mean.similarity == pytest.approx([(0.6 + 0.8) / np.sqrt(2)], abs=1e-6)
    assert best.similarity == pytest.approx([0.8], abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_among_few_subjects_every_two_are_compared(n: int) -> None:
    clips = clips_of([f"s{i}" for i in range(n)], ["x"], 2)
    found = compare(embeddings_of(clips), clips)
    met = {tuple(sorted(who)) for who in found.who.tolist()}
    assert met == {(a, b) for a in range(n) for b in range(a, n)}
    assert len(found) == 2 * n * (2 * n - 1) / 2  # each pair of clips once


def test_the_number_of_comparisons_grows_linearly_with_the_subjects() -> None:
    def count(n: int) -> int:
        clips = clips_of([f"s{i:03d}" for i in range(n)], ["x"], 2)
        return len(compare(embeddings_of(clips), clips))

    assert count(100) == 2 * count(50)


def test_too_many_comparisons_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = clips_of("abcd", ["x", "y"], 10)
    vectors = embeddings_of(clips)
    every = compare(vectors, clips)
    monkeypatch.setattr(module, "MAX_COMPARISONS", 1000)
    some = compare(vectors, clips)
    # 2,400 of two persons are thinned out to 1,000; those of one person stay in proportion.
    for kinds in ((Kind.SAME_MOTION,), (Kind.OTHER_PERSON,)):
        assert some.of(*kinds).sum() == pytest.approx(1000 / 2400 * every.of(*kinds).sum(), abs=80)
    for kind in (Kind.GENUINE, Kind.OTHER_MOTION):
        assert 0.5 < some.of(kind).sum() / every.of(kind).sum() < 0.75
    assert (compare(vectors, clips).similarity == some.similarity).all()
