"""The dataclasses of the vocabulary refuse impossible values at construction."""

import numpy as np
import pytest

from fmdata.catalog.types import Dropped, Motion, Segment, Track


def track(n: int = 3, **changed: np.ndarray) -> Track:
    values = {
        "detected": np.ones(n, bool),
        "timestamps_s": np.arange(n) / 25,
        "landmarks": np.zeros((n, 478, 3), np.float32),
        "pose": np.zeros((n, 3), np.float32),
        "blendshapes": np.zeros((n, 52), np.float32),
        "brightness": np.zeros(n, np.float32),
        "sharpness": np.zeros(n, np.float32),
    }
    return Track(**(values | changed), width=320, height=240)


def test_a_track_refuses_arrays_of_the_wrong_length_shape_or_type() -> None:
    assert track().n_frames == 3
    with pytest.raises(ValueError, match=r"landmarks is float32\[2, 478, 3\], wanted"):
        track(landmarks=np.zeros((2, 478, 3), np.float32))
    with pytest.raises(ValueError, match="pose is float64"):
        track(pose=np.zeros((3, 3)))


def test_a_repr_shows_shapes_and_no_values() -> None:
    assert "landmarks=float32[3, 478, 3]" in repr(track())
    assert "0." not in repr(track())


def test_a_motion_is_half_open_and_its_frames_are_in_order() -> None:
    assert Motion(3, 5, 9, "return", 0.1, 10.0, 3, 1.0).n_frames == 6
    for wrong in [(5, 3, 9), (3, 9, 9), (-1, 3, 9)]:
        with pytest.raises(ValueError, match="onset <= apex < offset"):
            Motion(*wrong, "return", 0.1, 10.0, 3, 1.0)
    with pytest.raises(ValueError, match="style"):
        Motion(3, 5, 9, "held", 0.1, 10.0, 3, 1.0)


def test_a_segment_may_be_empty_but_not_reversed() -> None:
    assert Segment("a", 4, 4, "lead").n_frames == 0
    with pytest.raises(ValueError, match="start <= stop"):
        Segment("a", 4, 3, "lead")
    with pytest.raises(ValueError, match="role"):
        Segment("a", 3, 4, "middle")


def test_a_dropped_recording_has_a_known_reason() -> None:
    Dropped("a.mp4", "s", "a", "1", "decode", "truncated", "40 of 75 frames")
    with pytest.raises(ValueError, match="dropped at"):
        Dropped("a.mp4", "s", "a", "1", "decode", "because", "")
