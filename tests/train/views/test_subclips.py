"""Subclips A and B divide a clip; padding only repeats its ends."""

import numpy as np
import pytest

from fmdata.train.views.subclips import contrastive_subclips, padded_in_time, twin_views


@pytest.mark.parametrize("n_frames", [2, 3, 10, 41])
def test_a_is_half_a_clip_in_one_piece_and_b_the_remaining_frames(n_frames: int) -> None:
    """Every start of A is drawn, from the clip's beginning to its end."""
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(400):
        a, b = contrastive_subclips(n_frames, rng)
        assert len(a) == n_frames // 2
        assert a.tolist() == list(range(a[0], a[0] + len(a)))
        assert b.tolist() == sorted(set(range(n_frames)) - set(a.tolist()))
        starts.add(int(a[0]))
    assert starts == set(range(n_frames - n_frames // 2 + 1))


def test_padding_repeats_the_first_and_last_frame_up_to_its_maximum() -> None:
    frames, rng = np.array([4, 5, 9, 11]), np.random.default_rng(1)
    drawn = set()
    for _ in range(300):
        padded = padded_in_time(frames, 3, rng).tolist()
        before, after = padded.count(4) - 1, padded.count(11) - 1
        assert padded == [4] * before + frames.tolist() + [11] * after
        drawn.add((before, after))
    assert drawn == {(i, j) for i in range(4) for j in range(4)}
    assert padded_in_time(frames, 0, rng).tolist() == frames.tolist()


@pytest.mark.parametrize("subclips", [False, True])
def test_twins_show_the_same_frames_in_different_variants(subclips: bool) -> None:
    """SS gives one pair of the whole clip; SS+ one pair of A and one of B, which share no frame."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        shown = []
        for one, other in twin_views(20, 3, 4, rng, subclips=subclips):
            assert set(one.frames.tolist()) == set(other.frames.tolist())
            assert {one.variant, other.variant} <= {0, 1, 2}
            assert one.variant != other.variant
            assert len(one.frames) <= len(set(one.frames.tolist())) + 8
            shown += sorted(set(one.frames.tolist()))
        assert sorted(shown) == list(range(20))


def test_twins_depend_on_the_generator_alone() -> None:
    one, two, three = (
        twin_views(30, 4, 5, np.random.default_rng(seed), subclips=True) for seed in (7, 7, 8)
    )
    assert repr(one) == repr(two)
    assert repr(one) != repr(three)
