"""Encoded bytes depend on the frames alone."""

import cv2
import numpy as np

from fmdata.drawing.video import encode_mp4


def test_the_same_frames_give_the_same_bytes_on_every_run() -> None:
    """Six runs in one process; x264's AVX-512 code gives up to six different files."""
    grain = np.random.default_rng(0).integers(0, 256, (20, 160, 160, 3), np.uint8)
    frames = [cv2.GaussianBlur(frame, (0, 0), 3) for frame in grain]
    files = {encode_mp4([frame.copy() for frame in frames], 25.0, 20) for _ in range(6)}
    assert len(files) == 1
