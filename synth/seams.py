"""Seams: changes of the picture at the joints of a compound, measured and kept small.

Promise: the choice for two takes depends on these two alone.
"""

from itertools import pairwise

import cv2
import numpy as np

from fmdata.synth.plan import Compound
from fmdata.synth.sources import Sources
from fmdata.synth.takes import Join, Take

SMALL = 28  # pixels; pictures of this side are compared to choose a joint


def measure_seams(compound: Compound, sources: Sources) -> list[float]:
    """Measure the visual jump at every joint of two segments that have frames.

    Mean absolute difference of the two frames at the joint, divided by the median difference of
    neighbouring frames in the two sources. 1 is no more than ordinary motion.
    """
    shown = [segment for segment in compound.segments if segment.n_frames]
    ordinary = sources.ordinary(*compound.takes)
    return [
        _relative(sources.jump(one.source, one.stop - 1, other.source, other.start), ordinary)
        for one, other in pairwise(shown)
    ]


class SmoothJoins:
    """Joins takes at those of the allowed edges whose pictures differ least.

    Parameters
    ----------
    sources : Sources
        The clips of one subject; only frames near the edges are read.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._last: dict[str, np.ndarray] = {}
        self._first: dict[str, np.ndarray] = {}
        self._joins: dict[tuple[str, str], Join] = {}

    def __call__(self, one: Take, other: Take) -> Join:
        """Return the best join of two takes; its cost is about the seam."""
        if (one.key, other.key) not in self._joins:
            self._joins[one.key, other.key] = self._best(one, other)
        return self._joins[one.key, other.key]

    def _best(self, one: Take, other: Take) -> Join:
        last = self._small(self._last, one.key, [stop - 1 for stop in one.stops])
        first = self._small(self._first, other.key, list(other.starts))
        from scipy.spatial.distance import cdist  # slow to import, and only needed here

        jumps = cdist(last, first, "cityblock") / SMALL**2
        # The first of equal jumps: edges are sorted from the motion's own outwards.
        stop, start = divmod(int(np.argmin(jumps)), len(other.starts))
        cost = _relative(float(jumps.min()), self._sources.ordinary(one.key, other.key))
        return Join(one, other, one.stops[stop], other.starts[start], cost)

    def _small(self, known: dict[str, np.ndarray], key: str, frames: list[int]) -> np.ndarray:
        """Return some frames of a clip in grey and small, float32 [F, SMALL²]."""
        if key not in known:
            pictures = []
            for frame in self._sources.clip(key).frames(frames):
                small = cv2.resize(frame, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
                pictures.append(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).ravel())
            known[key] = np.array(pictures, np.float32)
        return known[key]


def _relative(jump: float, ordinary: float) -> float:
    return jump / ordinary if ordinary > 0 else (1.0 if jump == 0 else float("inf"))
