"""Parts of the spotting of sessions: the way of the face, turns of the head, spans, and chunks."""

import numpy as np
import pytest

from fmdata.catalog.types import Motion
from fmdata.pipeline.spotting.sessions.activity import _mode
from fmdata.pipeline.spotting.sessions.windows import MAX_TURNS, turned_deg, turns_of
from fmdata.pipeline.spotting.spot import Spotting


def motion(onset: int, offset: int, style: str = "return") -> Motion:
    return Motion(onset, onset, offset, style, 0.05, 20.0, 5, 1.0)


def spotting(level: list[float], one: Motion) -> Spotting:
    return Spotting(np.array(level, np.float32), one, (one,), 0.0)


def test_one_rise_and_fall_is_one_turn_and_talk_has_many() -> None:
    """The way of the face over twice its amplitude: 1, for a held apex half; 4 for 4 syllables."""
    bump = [0.0, 0.02, 0.05, 0.05, 0.02]
    one = motion(0, 5)
    assert turns_of(spotting(bump, one), one) == pytest.approx(1.0)
    held = motion(0, 4, "hold")
    assert turns_of(spotting(bump[:4], held), held) == pytest.approx(0.5)
    talk = motion(0, 20)
    assert turns_of(spotting(bump * 4, talk), talk) == pytest.approx(4.0)
    assert MAX_TURNS < 4


def test_a_turn_of_the_head_is_measured_against_the_rest_beside_the_motion() -> None:
    """Ten degrees during the motion are ten, also where the head stays turned away before it."""
    rotation = np.zeros((60, 2))
    rotation[20:40, 1] = 10
    assert turned_deg(motion(20, 40), rotation, 25.0) == pytest.approx(10)
    assert turned_deg(motion(20, 40), rotation + 30, 25.0) == pytest.approx(10)
    assert turned_deg(motion(0, 20), np.zeros((60, 2)), 25.0) == 0


def test_rest_is_the_most_usual_pose_not_the_median() -> None:
    """Of three poses of a face that moves most of the time, the one that it has most often."""
    poses = np.repeat([[0.0, 0.0], [0.1, 0.0], [0.2, 0.0]], [40, 30, 30], axis=0)
    poses += np.random.default_rng(0).normal(0, 0.002, poses.shape)
    assert _mode(poses) == pytest.approx([0, 0], abs=0.005)
    assert np.median(poses, axis=0)[0] > 0.05
