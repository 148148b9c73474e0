"""Frames for PCL: expressions, and the pose that a crop shows, not that of the recording."""

from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.train.reading.poses import PoseReader, poses_in_crop

EXPRESSIONS = ("brows", "mouth", "neutral", "smile")
ACTIONS = frozenset({"brows", "mouth", "smile"})
READER = PoseReader(16, 4, 0.7, "action", ACTIONS, EXPRESSIONS, "neutral")


def test_the_first_frame_is_neutral_and_frames_near_the_peak_show_the_action(
    drawn_dataset: Path,
) -> None:
    """A drawn motion is half a sine: above 0.7 for its middle half."""
    for clip in Dataset(drawn_dataset).actions:
        shown = READER.expressions(clip)
        motion = clip.motion
        assert motion is not None
        assert shown[0] == EXPRESSIONS.index("neutral")
        assert (shown[1 : motion.onset] == -1).all()
        assert shown[motion.apex] == EXPRESSIONS.index(clip.action)
        rest = shown[motion.onset :]
        assert set(rest.tolist()) == {-1, EXPRESSIONS.index(clip.action)}
        length = motion.offset - motion.onset
        assert abs((rest >= 0).sum() - length / 2) <= 2


@pytest.mark.parametrize("turned", [-25.0, 0.0, 40.0])
def test_the_roll_is_that_of_the_head_in_the_crop(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch, turned: float
) -> None:
    """A head leans by 30 degrees; its crop is rotated, counter-clockwise where positive."""
    clip = next(iter(Dataset(drawn_dataset).actions))
    pose = np.tile(np.float32([5, -3, 30]), (clip.n_frames, 1))
    angle = np.radians(-turned)  # clockwise in an image, whose y points down
    rotation = 0.5 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    transform = np.tile(np.column_stack([rotation, [3, 4]]), (clip.n_frames, 1, 1))
    monkeypatch.setattr(ActionClip, "pose", pose)
    monkeypatch.setattr(ActionClip, "transform", np.float32(transform))
    wanted = np.tile([5, -3, 30 + turned], (clip.n_frames, 1))
    np.testing.assert_allclose(poses_in_crop(clip), wanted, atol=1e-4)
    assert (pose[:, 2] == 30).all()


def test_frames_are_spread_over_a_clip(drawn_dataset: Path) -> None:
    for clip in Dataset(drawn_dataset).actions:
        images, expressions, poses = READER(clip)
        assert (images.shape, poses.shape) == ((4, 3, 16, 16), (4, 3))
        assert expressions[0] == EXPRESSIONS.index("neutral")
