"""Spotting: the motion of a clip from its track, in which blinks and head rotation are no motion.

A motion is measured by the distance of the face from rest. Standard deviations, which the 2022
paper uses in its Section 2.5, do not distinguish a held apex from a neutral face. A clip begins at
rest and ends at rest or in a held apex. The frames furthest from rest are the core of the motion;
the edges of the core's rise and fall are onset and offset. Promise: a clip without a motion has a
motion of None.
"""

from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.types import ArrayRepr, Motion, Track
from fmdata.pipeline.geometry.points import layout_of
from fmdata.pipeline.geometry.timeseries import runs_of, smooth
from fmdata.pipeline.spotting.displacement import displacement, lid_share
from fmdata.pipeline.spotting.edges import SOFTER, first_moving, project
from fmdata.pipeline.spotting.head_rotation import head_rotation, rms_deg, without_rotation
from fmdata.pipeline.spotting.lid_motion import Lids
from fmdata.pipeline.spotting.phases import Phases, find_phases
from fmdata.pipeline.spotting.rest import REST_SHARE, RETURN_SHARE, TOLERANCE_IOD, amplitude, rms

BLINK_REMAINDER = 0.1  # of the lids' closing: displacement of the face that may remain of a blink
PASSES = 2  # of separating the motion from head rotation
DIRECTION_S = 0.1  # of the core, whose mean is the direction of the rise
END_S = 0.15  # of the clip, which decides its style
APEX_MARGIN_S = 0.07  # added, because a late apex is still in the plateau, an early one in the rise
PLATEAU_SHARE = 0.9  # of the largest displacement
# A motion below one of these is doubtful, and so is a clip without one: the second pass decides.
DOUBTFUL_IOD = 0.0145
DOUBTFUL_IOD_PER_DEG = 0.016  # of head rotation (RMS); ten times the deformation by rotation
DOUBTFUL_SNR = 6.0
CLEAR_SNR = 7.5  # a faint motion in the second pass must be clearer than this
LID_SHARE = 0.4  # of the motion; from here on the second pass measures the lids


@dataclass(frozen=True, repr=False)
class Spotting(ArrayRepr):
    """Result of spotting one clip.

    Attributes
    ----------
    intensity : float32 [T]
        Distance of the face from rest along the motion's directions, in interocular distances
        (IOD).
    motion : Motion or None
        None where the face does not move.
    rotation_deg : float
        Rotation of the head, by yaw and pitch, RMS.
    lid_share : float
        Share of one-sided lid motion in the motion, 0 to 1; 0 without a motion.
    """

    intensity: np.ndarray
    motion: Motion | None
    rotation_deg: float
    lid_share: float

    @property
    def is_doubtful(self) -> bool:
        """True if landmark noise or head rotation may have hidden a motion or made one."""
        motion = self.motion
        if motion is None:
            return True
        least = max(DOUBTFUL_IOD, DOUBTFUL_IOD_PER_DEG * self.rotation_deg)
        return motion.amplitude_iod < least or motion.snr < DOUBTFUL_SNR

    @property
    def is_of_lids(self) -> bool:
        """True if the motion is mostly that of one eye's lids, as in a wink."""
        return self.lid_share > LID_SHARE

    @property
    def needs_second_pass(self) -> bool:
        """True if the second pass should decide: a doubtful motion, or one of the lids."""
        return self.is_doubtful or self.is_of_lids


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
        Standard deviation of the landmarks' noise, relative to landmarks detected once.
    lids : Lids, optional
        Lid motion as measured in the pixels.
    in_doubt : bool
        Whether to discard a faint motion that may be noise or an artefact of head rotation.
    """
    if track.n_frames == 0:
        return Spotting(np.zeros(0, np.float32), None, 0.0, 0.0)
    # The thresholds hold for the noise of landmarks that MediaPipe detects once. So displacements
    # are divided by the relative noise, and the results multiplied by it.
    noise *= layout_of(track.landmarks).noise
    face, closed = displacement(track, fps, lids)
    face /= noise
    blink, rotation = BLINK_REMAINDER / noise * closed, head_rotation(track.landmarks, fps)
    found, by_lids = _search(face, blink, rotation, fps, noise, in_doubt)
    motion = None
    if found.runs:
        motion = _motion(found, blink, fps)
        motion = replace(motion, amplitude_iod=noise * motion.amplitude_iod)
        if in_doubt and motion.amplitude_iod < DOUBTFUL_IOD and motion.snr < CLEAR_SNR:
            motion, by_lids = None, 0.0
    level = (noise * found.level).astype(np.float32)
    return Spotting(level, motion, rms_deg(rotation), by_lids)


def _search(
    face: np.ndarray,
    blink: np.ndarray,
    rotation: np.ndarray,
    fps: float,
    noise: float,
    in_doubt: bool,
) -> tuple[Phases, float]:
    """Find the phases of the motion, and the lids' share in it."""
    found = find_phases(
        without_rotation(face, rotation, fps, noise, in_doubt=in_doubt),
        blink,
        rotation / noise,
        fps,
    )
    by_lids = 0.0
    # Head rotation can be separated from the motion once the course of the motion is known.
    for _ in range(PASSES if found.runs else 0):
        calm = without_rotation(face, rotation, fps, noise, found.course, in_doubt=in_doubt)
        found = find_phases(calm, blink, rotation / noise, fps, known=True)
        by_lids = lid_share((found.course - found.course.mean()) @ calm)
        del calm  # as large as a long recording's face
    return found, by_lids


def _motion(found: Phases, blink: np.ndarray, fps: float) -> Motion:
    """Measure the motion; `blink` is the displacement that blinks may have caused, in IOD."""
    face, level, runs = found.face, found.level, found.runs
    before, after = found.before, found.after
    n = len(level)
    start, stop = runs[0][0], runs[-1][1]
    held = stop == n
    if len(runs) > 1:  # a phase, such as a syllable, is too short to extrapolate its edges
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
    """Return how far the clip's end is from a change of style, 0 to 1.

    The style depends on the final distance from the first rest: a clear return ends at 0, a clear
    hold at the motion's height, and the styles meet at `RETURN_SHARE` of the height.
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
    # The longest run of the smoothed projection: noise may lift a single frame of the rise so high.
    calm = smooth(along, fps)[onset:offset]
    runs = runs_of(calm >= PLATEAU_SHARE * calm.max())
    first, stop = max(runs, key=lambda run: run[1] - run[0])
    first, stop = onset + first, onset + stop
    plateau = along[first:stop]
    # Twice: the first median includes the end of the rise and the beginning of the fall.
    top = float(np.median(plateau[plateau >= np.median(plateau)]))
    low = np.flatnonzero(along[:first] < top / 2)
    if len(low) == 0:
        return first, top
    # The arrival at the plateau is an edge of the same curve with time and height reversed; frame i
    # of the reversed curve is frame stop - 1 - i of the clip. The apex follows the last frame of
    # the rise.
    lack = (top - along[:stop])[::-1]
    apex = stop - first_moving(lack, stop - 1 - int(low[-1]), top, fps, powers=SOFTER)
    apex += round(APEX_MARGIN_S * fps)
    return int(np.clip(apex, max(onset, low[-1] + 1), stop - 1)), top
