"""Subclips A and B divide a clip; views of one clip differ in no more than they are asked to."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fmdata.train.views.subclips import (
    MIN_SHARE,
    Variation,
    View,
    contrastive_subclips,
    draw_view,
    twin_views,
)

PLAIN = Variation(variants=4)


def views(n: int, variation: Variation, n_frames: int = 40) -> list[View]:
    rng = np.random.default_rng(0)
    return [draw_view(np.arange(n_frames), 0, variation, rng) for _ in range(n)]


def times(view: View) -> np.ndarray:
    """Moments of a view of a whole clip, in its frames."""
    return view.before + view.share


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
        view = draw_view(frames, 0, Variation(padding=3), rng)
        padded = view.before.tolist()
        before, after = padded.count(4) - 1, padded.count(11) - 1
        assert padded == [4] * before + frames.tolist() + [11] * after
        drawn.add((before, after))
    assert drawn == {(i, j) for i in range(4) for j in range(4)}


def test_padding_lasts_as_long_whatever_the_stride() -> None:
    """Up to eight frames: eight at stride 1, four of stride 2, two of stride 4."""
    for stride, most in ((1, 8), (2, 4), (4, 2)):
        drawn = views(200, Variation(stride=stride, padding=8))
        repeated = [int((np.diff(times(view)) == 0).sum()) for view in drawn]
        assert max(repeated) == 2 * most


@pytest.mark.parametrize("subclips", [False, True])
def test_the_papers_twins_show_the_same_frames_in_different_variants(subclips: bool) -> None:
    """SS gives one pair of the whole clip; SS+ one pair of A and one of B, which share no frame."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        shown = []
        for one, other in twin_views(20, replace(PLAIN, padding=4), rng, subclips=subclips):
            assert set(one.before.tolist()) == set(other.before.tolist())
            assert not one.share.any()
            assert one.scale == other.scale == 1
            assert {one.variant, other.variant} <= {0, 1, 2, 3}
            assert one.variant != other.variant
            assert len(one.before) <= len(set(one.before.tolist())) + 8
            shown += sorted(set(one.before.tolist()))
        assert sorted(shown) == list(range(20))


def test_a_stride_takes_every_so_many_th_frame_from_any_of_the_first() -> None:
    starts = set()
    for view in views(200, Variation(stride=3)):
        at = times(view)
        np.testing.assert_allclose(np.diff(at), 3, atol=1e-5)
        assert at[-1] > 36
        starts.add(round(float(at[0])))
    assert starts == {0, 1, 2}


def test_a_tempo_stretches_a_view_and_shortens_it() -> None:
    """Evenly, up to the factor either way, and as often one way as the other."""
    steps = []
    for view in views(400, Variation(stride=2, tempo=1.5)):
        step = np.diff(times(view))
        np.testing.assert_allclose(step, step[0], atol=1e-4)
        steps.append(float(step[0]) / 2)
    assert 1 / 1.5 <= min(steps) < 0.69
    assert 1.45 < max(steps) <= 1.5
    assert np.mean(np.array(steps) > 1) == pytest.approx(0.5, abs=0.08)


def test_ragged_ends_are_cut_by_no_more_than_asked_and_leave_half_a_clip() -> None:
    for ragged, most in ((5.0, 5.0), (100.0, 20.0)):
        cuts = [(at[0], 39 - at[-1]) for at in map(times, views(300, Variation(ragged=ragged)))]
        assert max(max(cut) for cut in cuts) <= most + 1
        assert max(cut[0] for cut in cuts) > 0.6 * min(most, ragged)
        assert max(sum(cut) for cut in cuts) <= (1 - MIN_SHARE) * 39 + 1


def test_the_amplitude_scales_a_motion_about_rest() -> None:
    """Features between two frames are between theirs; the share of rest is untouched."""
    clip, rest = torch.randn(2, 6, 3), torch.tensor([1.0, 2.0, 3.0])
    view = View(1, np.array([0, 2, 5]), np.array([1, 3, 5]), np.float32([0, 0.25, 0]), 0.5)
    found = view.of(clip, rest)
    for k, taken in enumerate((clip[1, 0], 0.75 * clip[1, 2] + 0.25 * clip[1, 3], clip[1, 5])):
        torch.testing.assert_close(found[k], rest + 0.5 * (taken - rest))
    scales = [view.scale for view in views(300, Variation(amplitude=0.4))]
    assert 0.6 <= min(scales) < 0.63
    assert 1.37 < max(scales) <= 1.4


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_the_shortest_parts_have_a_view(n_frames: int) -> None:
    variation = Variation(stride=4, padding=2, ragged=9, tempo=2, amplitude=0.5)
    for view in views(100, variation, n_frames):
        assert len(view.before) == len(view.after) == len(view.share) >= 1
        assert view.before.min() >= 0
        assert max(view.before.max(), view.after.max()) < n_frames


def test_twins_depend_on_the_generator_alone() -> None:
    variation = Variation(4, 2, 5, 3, 1.4, 0.4)
    one, two, three = (
        twin_views(30, variation, np.random.default_rng(seed), subclips=True) for seed in (7, 7, 8)
    )
    assert repr(one) == repr(two)
    assert repr(one) != repr(three)
