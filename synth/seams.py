"""Seams: changes of the picture at the joints of a compound, measured and kept small.

Inside a source the change between neighbours is known from its rows; only the joint of the two
takes is decoded, once for all compounds that share it. Promise: the choice for two takes depends on
these two alone.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.pipeline.cropping.difference import frame_difference
from fmdata.synth.planned import END, LEAD, ONSET, START, STOP, TAIL, Plan
from fmdata.synth.takes import Join, Take

SMALL = 28  # pixels; pictures of this side are compared to choose a joint
N_JOINTS = 3


class Changes:
    """Changes between frames of one subject's clips, each measured once.

    Parameters
    ----------
    clips : mapping of str to ActionClip
        The clips.
    change : mapping of str to float32 [T]
        Of each, the mean absolute difference of each frame to the one before, 0 to 255.
    """

    def __init__(self, clips: Mapping[str, ActionClip], change: Mapping[str, np.ndarray]) -> None:
        self._clips, self._change = clips, change
        self._pixels: dict[tuple[str, int], np.ndarray] = {}
        self._jumps: dict[tuple[str, int, str, int], float] = {}
        self._ordinary: dict[tuple[str, str], float] = {}

    def before(self, key: str, frame: int) -> float:
        """Return the change at a frame; 0 past the end, where no frame follows."""
        change = self._change[key]
        return float(change[frame]) if frame < len(change) else 0.0

    def ordinary(self, one: str, other: str) -> float:
        """Return the median difference of neighbouring frames in two clips, 0 to 255."""
        if (one, other) not in self._ordinary:
            changes = np.sort(np.concatenate([self._change[one][1:], self._change[other][1:]]))
            n = len(changes)  # not np.median, which takes ten times as long for so few
            middle = float(changes[(n - 1) // 2]) + float(changes[n // 2]) if n else 0.0
            self._ordinary[one, other] = self._ordinary[other, one] = middle / 2
        return self._ordinary[one, other]

    def jump(self, one: str, last: int, other: str, first: int) -> float:
        """Return the difference of a frame of one clip and a frame of another, 0 to 255."""
        joint = one, last, other, first
        if joint not in self._jumps:
            self._jumps[joint] = frame_difference(self._frame(one, last), self._frame(other, first))
        return self._jumps[joint]

    def _frame(self, key: str, index: int) -> np.ndarray:
        """Return one decoded frame; cached, because many compounds share few splice frames."""
        if (key, index) not in self._pixels:
            self._pixels[key, index] = self._clips[key].frames([index])[0]
        return self._pixels[key, index]


def measure_seams(plan: Plan, start: int, stop: int, changes: Changes) -> np.ndarray:
    """Measure the visual jump at every joint of two segments, of compounds ``[start, stop)``.

    Mean absolute difference of the two frames at the joint, divided by the median difference of
    neighbouring frames in the two sources. 1 is no more than ordinary motion.

    Returns
    -------
    float64 [N, 3]
        The seams after lead, first and second motion; nan where a lead or tail has no frames.
    """
    chosen = slice(start, stop)
    cuts = plan.cuts[chosen].astype(np.int64)
    joints = np.stack([plan.one[chosen], plan.other[chosen], *cuts[:, [ONSET, STOP, START, END]].T])
    distinct, of_compound = _distinct(joints)
    known = np.empty((distinct.shape[1], N_JOINTS))
    for row, (one, other, onset, end, begin, last) in zip(known, distinct.T.tolist(), strict=True):
        keys = plan.takes[one].key, plan.takes[other].key
        ordinary = changes.ordinary(*keys)
        jumps = (
            changes.before(keys[0], onset),
            changes.jump(keys[0], end - 1, keys[1], begin),
            changes.before(keys[1], last),
        )
        row[:] = [_relative(jump, ordinary) for jump in jumps]
    seams = known[of_compound]
    seams[cuts[:, LEAD] == cuts[:, ONSET], 0] = np.nan
    seams[cuts[:, TAIL] == cuts[:, END], 2] = np.nan
    return seams


def _distinct(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct columns, int64 [M, D], and for each column its place among them."""
    code = np.zeros(columns.shape[1], np.int64)
    for row in columns:
        values, places = np.unique(row, return_inverse=True)
        code = np.unique(code * len(values) + places, return_inverse=True)[1]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return columns[:, first], inverse


class SmoothJoins:
    """Joins takes at those of the allowed edges whose pictures differ least.

    Parameters
    ----------
    clips : mapping of str to ActionClip
        The clips of one subject; only frames near the edges are read.
    changes : Changes
        Changes between their frames.
    """

    def __init__(self, clips: Mapping[str, ActionClip], changes: Changes) -> None:
        self._clips, self._changes = clips, changes
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
        cost = _relative(float(jumps.min()), self._changes.ordinary(one.key, other.key))
        return Join(one, other, one.stops[stop], other.starts[start], cost)

    def _small(self, known: dict[str, np.ndarray], key: str, frames: list[int]) -> np.ndarray:
        """Return some frames of a clip in grey and small, float32 [F, SMALL²]."""
        if key not in known:
            pictures = []
            for frame in self._clips[key].frames(frames):
                small = cv2.resize(frame, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
                pictures.append(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).ravel())
            known[key] = np.array(pictures, np.float32)
        return known[key]


def _relative(jump: float, ordinary: float) -> float:
    return jump / ordinary if ordinary > 0 else (1.0 if jump == 0 else float("inf"))
