"""A clip's row: per-frame columns are those of the track, and the clip's numbers summarise them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.types import Motion, Recording, Track
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.spot import Spotting
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.row import ActionRows, action_rows
from tests.helpers.faces import film


@pytest.fixture
def track() -> Track:
    """Return 20 frames of a still face with an interocular distance of 80 pixels.

    It is 160 pixels in frame 7. Frame 3 has no face, and arbitrary values. Yaw goes from 0 to 19
    degrees and pitch from 0 to -9.5, while the brightness falls.
    """
    t = np.arange(20, dtype=np.float32)
    still = film(20, jitter=0.0)
    landmarks, detected = still.landmarks.copy(), np.ones(20, np.bool_)
    landmarks[7] *= 2
    detected[3] = False
    pose = np.stack([t, -t / 2, 0 * t], axis=1)
    pose[3] = 90
    sharpness = 50 + t
    sharpness[3] = 9999
    return replace(
        still,
        landmarks=landmarks,
        detected=detected,
        pose=pose,
        sharpness=sharpness,
        brightness=200 - 5 * t,
    )


def rows_of(track: Track, motion: Motion | None = None) -> ActionRows:
    n = track.n_frames
    return action_rows(
        Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01"),
        Identity("content", "digest"),
        BuildSettings(),
        fps=30.0,
        track=track,
        spotting=Spotting(np.zeros(n, np.float32), motion, (motion,) if motion else (), 0.0),
        transforms=np.zeros((n, 2, 3), np.float32),
        change=np.zeros(n, np.float32),
        sound_s=None,
    )


def test_every_frame_has_its_quality(track: Track) -> None:
    frames = rows_of(track).frames
    expected = np.full(20, 80.0)
    expected[7] = 160
    np.testing.assert_allclose(per_frame(frames["face_px"]), expected, rtol=1e-5)
    np.testing.assert_array_equal(per_frame(frames["sharpness"]), track.sharpness)
    np.testing.assert_array_equal(per_frame(frames["brightness"]), track.brightness)
    np.testing.assert_array_equal(per_frame(frames["pose"], (3,)), track.pose)


def test_the_quality_of_a_clip_is_the_median_over_frames_with_a_face(track: Track) -> None:
    row = rows_of(track).clip.to_pylist()[0]
    assert row["face_px"] == pytest.approx(80, rel=1e-5)
    assert row["sharpness"] == np.median(np.delete(track.sharpness, 3))
    assert row["brightness"] == np.median(np.delete(track.brightness, 3))
    assert row["detected_share"] == 0.95


def test_the_pose_range_is_the_largest_of_three_angles_over_frames_with_a_face(
    track: Track,
) -> None:
    assert rows_of(track).clip["pose_range"].to_pylist() == [19.0]
    rolling = replace(track, pose=track.pose[:, [2, 1, 0]].copy())
    assert rows_of(rolling).clip["pose_range"].to_pylist() == [19.0]


@pytest.mark.parametrize(("length", "is_flash"), [(5, True), (6, False)])
def test_a_flash_is_a_motion_in_less_than_three_tenths_of_the_frames(
    track: Track, length: int, is_flash: bool
) -> None:
    """Of 20 frames, so a motion of six frames is not a flash."""
    motion = Motion(8, 9, 8 + length, "return", 0.05, 20.0, 8, 0.9)
    assert rows_of(track, motion).clip["flash"].to_pylist() == [is_flash]
