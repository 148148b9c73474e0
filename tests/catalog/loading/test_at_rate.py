"""A clip at another rate shows its own frames, each at the tick that it is nearest to."""

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import UsageError
from fmdata.catalog.loading.at_rate import nearest_frames
from tests.helpers.datasets import FPS, make_up

KEY = "s01-smile-01"  # 12 frames at 25 a second; onset 3, apex 6, offset 9


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ActionClip:
    path = make_up(tmp_path_factory.mktemp("at_rate") / "dataset", ["s01"], k=0)
    return Dataset(path).actions[KEY]


def test_at_its_own_rate_a_clip_is_itself(clip: ActionClip) -> None:
    same = clip.at(FPS)
    assert same.numbers.tolist() == list(range(clip.n_frames))
    np.testing.assert_array_equal(same.frames(), clip.frames())
    assert same.motion == clip.motion


def test_at_half_the_rate_every_second_frame_is_left_with_all_its_facts(clip: ActionClip) -> None:
    half = clip.at(FPS / 2)
    assert half.numbers.tolist() == [0, 2, 4, 6, 8, 10]
    np.testing.assert_array_equal(half.frames(), clip.frames()[::2])
    np.testing.assert_array_equal(half.frames([-1, 0]), clip.frames([10, 0]))
    assert half.jpegs() == clip.jpegs()[::2]
    np.testing.assert_array_equal(half.lbp(), clip.lbp()[::2])
    np.testing.assert_array_equal(half.landmarks, clip.landmarks[::2])
    np.testing.assert_array_equal(half.column("pose", (3,)), clip.pose[::2])
    assert half.frames_table(["index"])["index"].to_pylist() == [0, 2, 4, 6, 8, 10]
    np.testing.assert_allclose(half.timestamps, clip.timestamps[::2], atol=1e-6)


def test_the_motion_is_where_its_frames_are(clip: ActionClip) -> None:
    """Frames 4, 6 and 8 move, and 0, 2 and 10 rest."""
    motion = clip.at(FPS / 2).motion
    assert motion is not None
    assert (motion.onset, motion.apex, motion.offset) == (2, 3, 5)
    assert (motion.lead, motion.trail) == (2, 1)


def test_at_a_higher_rate_frames_are_repeated_and_never_blended(clip: ActionClip) -> None:
    twice = clip.at(2 * FPS)
    assert twice.numbers.tolist() == [i // 2 for i in range(2 * clip.n_frames)]
    np.testing.assert_array_equal(twice.frames(), np.repeat(clip.frames(), 2, axis=0))
    motion = twice.motion
    assert motion is not None
    assert (motion.onset, motion.offset) == (6, 18)


def test_at_a_rate_that_passes_over_the_motion_there_is_none(clip: ActionClip) -> None:
    """One frame in half a second: the first, which rests."""
    assert clip.at(2).numbers.tolist() == [0]
    assert clip.at(2).motion is None


def test_frames_at_uneven_times_stand_at_the_nearest_ticks() -> None:
    """Ticks are at 0, 40, 80, 120 and 160 ms; two of the ticks fall into a gap."""
    times = np.array([0.0, 0.03, 0.045, 0.15]) + 7.0
    assert nearest_frames(times, rate=20, fps=25).tolist() == [0, 2, 2, 3, 3]


def test_a_rate_of_0_is_refused(clip: ActionClip) -> None:
    with pytest.raises(UsageError, match="0 frames per second"):
        clip.at(0)
