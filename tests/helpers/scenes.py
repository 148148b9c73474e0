"""Scenes of grey frames: frame `i` has the level ``20 + 15 * i`` everywhere."""

from collections.abc import Sequence

import numpy as np

from fmdata.drawing.scene import Mark, Scene, Views

SIZE, N_FRAMES = 16, 12


def level(frame: int) -> int:
    return 20 + 15 * frame


def grey_scene(fps: float = 25.0, times: Sequence[float] | None = None) -> Scene:
    """Return a scene of 12 frames without landmarks and LBP maps; onset 3, apex 6, offset 9."""

    def read(frames: Sequence[int]) -> Views:
        levels = np.array([level(f) for f in frames], np.uint8)
        return Views(np.broadcast_to(levels[:, None, None, None], (len(levels), SIZE, SIZE, 3)))

    at = np.arange(N_FRAMES) / fps if times is None else np.array(times)
    marks = tuple(map(Mark, ("onset", "apex", "offset"), (3, 6, 9)))
    intensity = np.float32([0, 0, 0, 0.01, 0.04, 0.05, 0.05, 0.05, 0.02, 0, 0, 0])
    return Scene("grey", {"subject": "nobody"}, at, fps, read, intensity, marks)
