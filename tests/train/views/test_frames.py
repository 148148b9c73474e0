"""Frames for a fixed length: in order, at the stride, from the start."""

import numpy as np
import pytest

from fmdata.train.views.frames import late_start, random_start, sample_frames


@pytest.mark.parametrize(
    ("n_frames", "length", "stride", "start", "wanted"),
    [
        (9, 4, 2, 0, [0, 2, 4, 6]),
        (9, 4, 3, 0, [0, 3, 6, 8]),  # the last one is repeated beyond the end
        (9, 4, 2, 5, [5, 7, 8, 8]),
        (1, 3, 2, 0, [0, 0, 0]),
    ],
)
def test_frames_follow_at_the_stride_and_the_last_one_is_repeated(
    n_frames: int, length: int, stride: int, start: int, wanted: list[int]
) -> None:
    assert sample_frames(n_frames, length, stride, start).tolist() == wanted


def test_late_starts_are_a_quarter_a_third_and_half_of_the_way_to_the_apex() -> None:
    """An apex at frame 24: clips begin at 0, 6, 8 or 12, each as often as the others."""
    assert [late_start(24, share) for share in (0.0, 1 / 4, 1 / 3, 1 / 2)] == [0, 6, 8, 12]
    rng = np.random.default_rng(0)
    starts, counts = np.unique([random_start(24, rng) for _ in range(4000)], return_counts=True)
    assert starts.tolist() == [0, 6, 8, 12]
    assert counts.min() > 900


def test_a_clip_with_its_apex_in_the_first_frame_begins_there() -> None:
    rng = np.random.default_rng(0)
    assert {random_start(0, rng) for _ in range(50)} == {0}
