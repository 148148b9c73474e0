"""Trimming keeps the whole motion."""

import numpy as np
import pytest

from fmdata.train.views.trims import random_trim


@pytest.mark.parametrize(
    ("n_frames", "onset", "offset"), [(50, 10, 40), (50, 0, 50), (50, 0, 20), (3, 1, 2)]
)
def test_trimming_never_cuts_the_motion_and_reaches_every_length(
    n_frames: int, onset: int, offset: int
) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([random_trim(n_frames, onset, offset, rng) for _ in range(2000)])
    assert set(drawn[:, 0]) == set(range(onset + 1))
    assert set(drawn[:, 1]) == set(range(offset, n_frames + 1))
