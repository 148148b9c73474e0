"""Spotting: when the face moves, from its track alone.

The measure is how far the face is from rest, not how it varies: standard deviations, which the
2022 paper uses in its Section 2.5, cannot tell a held apex from a neutral face. A clip begins at
rest and ends at rest or in a held apex; the frames furthest from rest are the motion's core, and
the edges of the core's rise and fall are onset and offset. Promise: a motion that is not there is
None. Blinks and turns of the head are no motion.
"""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.types import ArrayRepr, Motion, Track
from fmdata.pipeline.displacement import BLINK_RESPONSE, displacement
from fmdata.pipeline.edge import SOFTER, first_moving, project
from fmdata.pipeline.rest import TOLERANCE_IOD, Rest, amplitude, away, rests, settled
from fmdata.pipeline.runs import merged, runs_of
from fmdata.pipeline.smooth import smooth

LEAST_AMPLITUDE_IOD = 0.012  # less than this is landmark noise, not a motion
HEAD_RESPONSE = 0.0015  # IOD by which a degree of yaw or pitch may deform the mesh
CORE_SHARE = 0.5  # of the amplitude
CORE_GAP_S = 0.1  # a core may dip for this long
PHASE_SHARE = 0.4  # of the amplitude; a further phase of one motion reaches this
PHASE_GAP_S = 0.5  # phases of one motion, such as syllables, are no further apart
DIRECTION_S = 0.1  # of the core, whose mean direction stands for the rise
PLATEAU_SHARE = 0.9  # of the largest displacement


@dataclass(frozen=True, repr=False)
class Spotting(ArrayRepr):
    """What was found in one clip.

    Attributes
    ----------
    intensity : float32 [T]
        RMS displacement from the neutral face, in interocular distances (IOD).
    motion : Motion or None
        None where the face does not move.
    """

    intensity: np.ndarray
    motion: Motion | None


def spot(track: Track, fps: float) -> Spotting:
    """Find the motion of a clip.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    """
    if track.n_frames == 0:
        return Spotting(np.zeros(0, np.float32), None)
    face, closed = displacement(track, fps)
    blink = BLINK_RESPONSE * closed
    leak = blink + HEAD_RESPONSE * _turned(track.pose)
    calm = smooth(face, fps)
    ends = rests(calm, blink, fps)
    level = away(calm, *ends)
    if amplitude(level - leak) >= LEAST_AMPLITUDE_IOD:
        ends = settled(calm, *ends, core=_span(_phases(level, leak, fps)), fps=fps)
        level = away(calm, *ends)
    found = amplitude(level - leak) >= LEAST_AMPLITUDE_IOD
    motion = _motion(face, blink, level, _phases(level, leak, fps), ends, fps) if found else None
    return Spotting(level.astype(np.float32), motion)


def _turned(pose: np.ndarray) -> np.ndarray:
    """How far the head is turned in depth from where it is mostly, in degrees [T]."""
    depth = pose[:, :2].astype(np.float64)  # roll deforms nothing
    return np.linalg.norm(depth - np.median(depth, axis=0), axis=1)


def _span(phases: list[tuple[int, int]]) -> tuple[int, int]:
    return phases[0][0], phases[-1][1]


def _motion(
    face: np.ndarray,
    blink: np.ndarray,
    level: np.ndarray,
    phases: list[tuple[int, int]],
    ends: tuple[Rest, Rest | None],
    fps: float,
) -> Motion:
    """Measure the motion whose phases are known; `blink` is what blinks may have moved, in IOD."""
    n = len(level)
    before, after = ends
    start, stop = _span(phases)
    held = stop == n
    if len(phases) > 1:  # in speech, say, a syllable is too small a part to extrapolate from
        onset, offset = start, stop
    else:
        size = amplitude(level)
        pose = before.pose if after is None else after.pose
        onset = _onset(face - before.pose, blink, start, size, fps)
        back = _onset((face - pose)[::-1], blink[::-1], n - stop, size, fps)
        offset = n if held else n - back
    apex, top = _apex(face - before.pose, level, (onset, offset), fps)
    quiet = np.concatenate([level[:onset], level[offset:]])
    noise = float(np.sqrt(np.mean(quiet**2))) if len(quiet) else TOLERANCE_IOD
    return Motion(onset, apex, offset, "hold" if held else "return", top, top / max(noise, 1e-4))


def _phases(level: np.ndarray, leak: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Find the runs ``[start, stop)`` of frames far from rest that make up one motion.

    What is no more than the `leak` of a blink or a turn of the head is no phase of its own.
    """
    size, sure = amplitude(level), level - leak
    cores = merged(runs_of(level > CORE_SHARE * size), round(CORE_GAP_S * fps))
    core = max(cores, key=lambda run: sure[run[0] : run[1]].sum())
    least = max(PHASE_SHARE * size, LEAST_AMPLITUDE_IOD)
    far = merged(runs_of(level > least), round(CORE_GAP_S * fps))
    far = [run for run in far if sure[run[0] : run[1]].max() > least]
    whole = merged(far, round(PHASE_GAP_S * fps))
    start, stop = next((run for run in whole if run[0] <= core[0] < run[1]), core)
    return [run for run in far if start <= run[0] < stop] or [core]


def _onset(face: np.ndarray, blink: np.ndarray, start: int, size: float, fps: float) -> int:
    """Find the first frame of the rise into a core that begins at the frame `start`."""
    width = max(1, round(DIRECTION_S * fps))
    along = project(face, face[start : start + width].mean(0))
    rise = along[start : start + 2 * width]
    height = min(size, float(rise.max()))
    high = start + int(np.argmax(rise >= height / 2))
    return first_moving(along, high, height, fps, blink)


def _apex(
    face: np.ndarray, level: np.ndarray, span: tuple[int, int], fps: float
) -> tuple[int, float]:
    """Find the first frame of the plateau, and the plateau's height in IOD."""
    onset, offset = span
    inside = level[onset:offset]
    far = onset + np.flatnonzero(inside >= PLATEAU_SHARE * inside.max())
    along = project(face, face[far].mean(0))
    inside = along[onset:offset]
    first, stop = runs_of(inside >= PLATEAU_SHARE * inside.max())[0]
    first, stop = onset + first, onset + stop
    plateau = along[first:stop]
    # Twice: the first median still counts the last of the rise and the first of the fall.
    top = float(np.median(plateau[plateau >= np.median(plateau)]))
    low = np.flatnonzero(along[:first] < top / 2)
    if len(low) == 0:
        return first, top
    # The arrival at the plateau is the edge of the same curve seen from its other end.
    lack = (top - along[:stop])[::-1]
    apex = stop - first_moving(lack, stop - 1 - int(low[-1]), top, fps, seen=0.0, powers=SOFTER)
    return int(np.clip(apex, max(onset, low[-1] + 1), stop - 1)), top
