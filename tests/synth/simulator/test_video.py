"""Encoded bytes follow from the frames alone, whatever process encodes them."""

import subprocess
import sys

ENCODE = """
import hashlib
import cv2, numpy as np
from fmdata.synth.simulator.video import encode_mp4

grain = np.random.default_rng(0).integers(0, 256, (20, 320, 320, 3), np.uint8)
frames = [cv2.GaussianBlur(frame, (0, 0), 3) for frame in grain]
print(hashlib.sha256(encode_mp4(frames, 25.0, 20)).hexdigest())
"""


def test_every_process_writes_the_same_bytes() -> None:
    """Four processes, so that memory lies elsewhere in each: x264 once read what it had not set."""
    runs = [
        subprocess.run([sys.executable, "-c", ENCODE], capture_output=True, text=True, check=True)
        for _ in range(4)
    ]
    assert len({run.stdout for run in runs}) == 1
