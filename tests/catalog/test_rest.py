"""Frames at rest beside a motion are counted by intensity, by the face, and without a gap."""

from dataclasses import replace

import numpy as np
import pytest

from fmdata.catalog.rest import (
    CORE_SHARE,
    REST_SHARE,
    TOLERANCE_IOD,
    at_rest,
    first_stops,
    second_starts,
    second_stop,
    tail_room,
    with_rest,
)
from fmdata.catalog.types import Motion

RETURN = Motion(6, 9, 14, "return", 0.1, 20.0, 0, 1.0)
HOLD = replace(RETURN, offset=20, style="hold")


def still() -> tuple[np.ndarray, np.ndarray]:
    """Return intensity and detected of 20 frames with a motion from 6 to 14, all else at rest."""
    intensity = np.zeros(20, np.float32)
    intensity[6:14] = [0.02, 0.06, 0.09, 0.1, 0.1, 0.08, 0.04, 0.02]
    return intensity, np.ones(20, bool)


def counts(motion: Motion, intensity: np.ndarray, detected: np.ndarray) -> tuple[int, int]:
    counted = with_rest(motion, intensity, detected)
    return counted.lead, counted.trail


def test_all_frames_of_a_still_face_count() -> None:
    assert counts(RETURN, *still()) == (6, 6)


def test_another_motion_ends_the_rest() -> None:
    intensity, detected = still()
    intensity[2] = intensity[17] = 0.05
    assert counts(RETURN, intensity, detected) == (3, 3)


def test_a_frame_without_the_face_ends_the_rest() -> None:
    intensity, detected = still()
    detected[:4] = detected[18] = False
    assert counts(RETURN, intensity, detected) == (2, 4)


def test_a_motion_at_either_end_of_the_clip_has_no_rest_there() -> None:
    intensity, detected = np.full(8, 0.1, np.float32), np.ones(8, bool)
    assert counts(replace(RETURN, onset=0, apex=3, offset=8), intensity, detected) == (0, 0)


def test_a_held_apex_has_no_trail() -> None:
    intensity, detected = still()
    intensity[14:] = 0.1
    assert counts(HOLD, intensity, detected) == (6, 0)


@pytest.mark.parametrize(("amplitude", "limit"), [(0.1, REST_SHARE * 0.1), (0.01, TOLERANCE_IOD)])
def test_rest_is_a_share_of_the_amplitude_and_at_least_the_noise(
    amplitude: float, limit: float
) -> None:
    intensity = np.float32([0.98 * limit, 1.02 * limit])
    assert at_rest(intensity, np.ones(2, bool), amplitude).tolist() == [True, False]


def test_a_held_tail_goes_from_the_apex_to_the_first_frame_without_a_face() -> None:
    detected = np.ones(20, bool)
    assert tail_room(HOLD, detected) == 20 - HOLD.apex
    detected[15] = False
    assert tail_room(HOLD, detected) == 15 - HOLD.apex


def test_a_motion_held_from_its_first_frame_still_shows_one_frame_before_the_tail() -> None:
    assert second_stop(replace(HOLD, apex=HOLD.onset)) == HOLD.onset + 1


def test_edges_move_by_at_most_five_frames_at_rest_or_below_half_the_amplitude() -> None:
    intensity, detected = still()
    motion = with_rest(RETURN, intensity, detected)
    assert CORE_SHARE == 0.5
    # Frames 12 and 13 are the fall below half the amplitude, frame 6 the rise.
    assert first_stops(motion, intensity) == [14, 15, 16, 17, 18, 19, 13, 12]
    assert second_starts(motion, intensity) == [6, 5, 4, 3, 2, 1, 7]


def test_edges_do_not_reach_beyond_the_rest() -> None:
    intensity, detected = still()
    intensity[3] = intensity[16] = 0.05
    motion = with_rest(RETURN, intensity, detected)
    assert max(first_stops(motion, intensity)) == 16
    assert min(second_starts(motion, intensity)) == 4


def test_a_held_motion_may_lose_held_frames_only() -> None:
    intensity, detected = still()
    intensity[14:] = 0.1
    stops = first_stops(with_rest(HOLD, intensity, detected), intensity)
    assert stops == [20, 19, 18, 17, 16, 15]
