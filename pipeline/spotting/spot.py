"""Spotting: when the face moves, from its track alone.

The measure is how far the face is from rest, not how it varies: standard deviations, which the
2022 paper uses in its Section 2.5, cannot tell a held apex from a neutral face. A clip begins at
rest and ends at rest or in a held apex; the frames furthest from rest are the motion's core, and
the edges of the core's rise and fall are onset and offset. Promise: a motion that is not there is
None. Blinks and turns of the head are no motion.
"""

from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.types import ArrayRepr, Motion, Track
from fmdata.pipeline.geometry.points import layout_of
from fmdata.pipeline.geometry.timeseries import runs_of, smooth
from fmdata.pipeline.spotting.displacement import displacement, lid_share
from fmdata.pipeline.spotting.edges import SOFTER, first_moving, project
from fmdata.pipeline.spotting.head_rotation import turned_deg, turns, unbent
from fmdata.pipeline.spotting.lid_motion import Lids
from fmdata.pipeline.spotting.phases import Look, look_at
from fmdata.pipeline.spotting.rest import REST_SHARE, RETURN_SHARE, TOLERANCE_IOD, amplitude, rms

BLINK_LEFT = 0.1  # of the lids' closing: what may be left of a blink in the rest of the face
PASSES = 2  # of telling the motion from what follows the head
DIRECTION_S = 0.1  # of the core, whose mean direction stands for the rise
END_S = 0.15  # of the clip, by which its style is judged
APEX_MARGIN_S = 0.07  # a little late is still the plateau, a little early is still the rise
PLATEAU_SHARE = 0.9  # of the largest displacement
# A motion that is fainter, or less clear of the noise, deserves a closer look; and so does none.
DOUBTFUL_IOD = 0.0145
DOUBTFUL_TURN_IOD = 0.016  # for each degree of the head's turns (RMS); ten times their bend
DOUBTFUL_SNR = 6.0
CLEAR_SNR = 7.5  # what is still faint in a closer look, and no clearer, is none
MOSTLY_LIDS = 0.4  # share of what moves


@dataclass(frozen=True, repr=False)
class Spotting(ArrayRepr):
    """What was found in one clip.

    Attributes
    ----------
    intensity : float32 [T]
        How far the face is from rest along the motion's directions, in interocular distances
        (IOD).
    motion : Motion or None
        None where the face does not move.
    turned_deg : float
        How much the head turns, by yaw and pitch, RMS.
    lid_share : float
        How much of the motion is that of one eye's lids, 0 to 1; 0 without one.
    """

    intensity: np.ndarray
    motion: Motion | None
    turned_deg: float
    lid_share: float

    @property
    def is_doubtful(self) -> bool:
        """Whether the landmarks' noise, or the head, may have hidden a motion or made one."""
        motion = self.motion
        if motion is None:
            return True
        least = max(DOUBTFUL_IOD, DOUBTFUL_TURN_IOD * self.turned_deg)
        return motion.amplitude_iod < least or motion.snr < DOUBTFUL_SNR

    @property
    def is_of_lids(self) -> bool:
        """Whether it is mostly one eye's lids that move; of them a closer look tells far more."""
        return self.lid_share > MOSTLY_LIDS


def spot(
    track: Track,
    fps: float,
    noise: float = 1.0,
    *,
    lids: Lids | None = None,
    in_doubt: bool = False,
) -> Spotting:
    """Find the motion of a clip.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    noise : float
        Of the landmarks, as a share of that of a single look.
    lids : Lids, optional
        How far the lids have moved, where that is known better than by the track.
    in_doubt : bool
        Whether an earlier look has left a doubt. What may be the head's doing, or is faint and
        not clear of the noise, is then no motion.
    """
    if track.n_frames == 0:
        return Spotting(np.zeros(0, np.float32), None, 0.0, 0.0)
    # The thresholds are for the noise of a single look by MediaPipe. So lengths are stretched until
    # the noise is as large as that, and made IOD again at the end.
    noise *= layout_of(track.landmarks).noise
    face, closed = displacement(track, fps, lids)
    face /= noise
    blink, turned = BLINK_LEFT / noise * closed, turns(track.landmarks, fps)
    look = look_at(unbent(face, turned, fps, noise, in_doubt=in_doubt), blink, turned / noise, fps)
    motion, by_lids = None, 0.0
    if look.phases:
        # What the head does is told from the motion once the motion's course is known.
        for _ in range(PASSES):
            calm = unbent(face, turned, fps, noise, look.course, in_doubt=in_doubt)
            look = look_at(calm, blink, turned / noise, fps, moves=True)
            by_lids = lid_share((look.course - look.course.mean()) @ calm)
            del calm  # as large as a long recording's face
        motion = _motion(look, blink, fps)
        motion = replace(motion, amplitude_iod=noise * motion.amplitude_iod)
        if in_doubt and motion.amplitude_iod < DOUBTFUL_IOD and motion.snr < CLEAR_SNR:
            motion, by_lids = None, 0.0
    level = (noise * look.level).astype(np.float32)
    return Spotting(level, motion, turned_deg(turned), by_lids)


def _motion(look: Look, blink: np.ndarray, fps: float) -> Motion:
    """Measure the motion; `blink` is how far blinks may have moved the face, in IOD."""
    face, level, phases = look.face, look.level, look.phases
    before, after = look.before, look.after
    n = len(level)
    start, stop = phases[0][0], phases[-1][1]
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
    at_rest = max(TOLERANCE_IOD, REST_SHARE * top)
    return Motion(
        onset=onset,
        apex=apex,
        offset=offset,
        style="hold" if held else "return",
        amplitude_iod=top,
        snr=top / max(noise, 1e-4),
        lead=int((level[:onset] < at_rest).sum()),
        style_margin=_style_margin(face - before.pose, top, held, fps),
    )


def _style_margin(face: np.ndarray, top: float, held: bool, fps: float) -> float:
    """How far the clip's end is from where its style would be another, 0 to 1.

    The end is judged by how far it still is from the first rest: 0 would be a clear return, the
    motion's whole height a clear hold, and `RETURN_SHARE` of it either.
    """
    end = np.median(face[-max(1, round(END_S * fps)) :], axis=0)
    share = min(1.0, float(rms(end)) / max(top, 1e-9))
    margin = (share - RETURN_SHARE) / (1 - RETURN_SHARE) if held else 1 - share / RETURN_SHARE
    return max(0.0, margin)


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
    # Smoothed, and the longest run of several: a frame's noise may reach the height on its way.
    calm = smooth(along, fps)[onset:offset]
    runs = runs_of(calm >= PLATEAU_SHARE * calm.max())
    first, stop = max(runs, key=lambda run: run[1] - run[0])
    first, stop = onset + first, onset + stop
    plateau = along[first:stop]
    # Twice: the first median still counts the last of the rise and the first of the fall.
    top = float(np.median(plateau[plateau >= np.median(plateau)]))
    low = np.flatnonzero(along[:first] < top / 2)
    if len(low) == 0:
        return first, top
    # The arrival at the plateau is the edge of the same curve seen from its other end, where frame
    # i is the clip's frame stop - 1 - i. The apex is the frame after the last one of the rise.
    lack = (top - along[:stop])[::-1]
    apex = stop - first_moving(lack, stop - 1 - int(low[-1]), top, fps, powers=SOFTER)
    apex += round(APEX_MARGIN_S * fps)
    return int(np.clip(apex, max(onset, low[-1] + 1), stop - 1)), top
