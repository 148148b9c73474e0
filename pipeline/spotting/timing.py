"""Timing of a motion: onset, apex, offset, style and amplitude, from its phases."""

import numpy as np

from fmdata.catalog.rest import TOLERANCE_IOD
from fmdata.catalog.types import Motion
from fmdata.pipeline.geometry.timeseries import runs_of, smooth, widened
from fmdata.pipeline.spotting.edges import first_moving, project
from fmdata.pipeline.spotting.phases import Phases
from fmdata.pipeline.spotting.rest import RETURN_SHARE, amplitude, rms

DIRECTION_S = 0.1  # of the core, whose mean is the direction of the rise
END_S = 0.15  # of the clip, which decides its style
APEX_MARGIN_S = 0.12  # added, because a late apex is still in the plateau, an early one in the rise
MEDIAN_TO_RMS = 1.5  # of the distance from rest, of normal noise
SPEECH_RUNS = 3  # so many phases are syllables, too short to extrapolate their edges
PLATEAU_SHARE = 0.9  # of the largest displacement
FIRST_PHASE_S = 1.0  # before the motion of the other points, at most
MIN_PHASE_IOD = 0.016  # of a first or last phase in other points; more than noise and nods leave


def measure_motion(
    found: Phases, signal: np.ndarray, leak: np.ndarray, noise: float, fps: float
) -> tuple[Motion, np.ndarray]:
    """Measure a motion; its amplitude is along its own direction, in the signal's unit.

    Parameters
    ----------
    found : Phases
        With at least one run.
    signal : float64 [T, D]
        What the phases were found in; its unit is `noise` IOD.
    leak : float64 [T]
        Displacement that blinks may have caused, in IOD.
    noise : float
        Unit of the signal.
    fps : float
        Frames per second.

    Returns
    -------
    (Motion, float64 [D])
        The motion, and the direction of its apex, of length 1.
    """
    face, level, n = found.face - found.before.pose, found.level, len(found.level)
    onset, offset = _span(found, leak, fps)
    if len(found.runs) < SPEECH_RUNS:
        onset, offset = _with_other_phases(signal, leak, (onset, offset), noise, fps)
    apex, top, pose = _apex(face, level, (onset, offset), fps)
    held = offset == n
    motion = Motion(
        onset=onset,
        apex=apex,
        offset=offset,
        style="hold" if held else "return",
        amplitude_iod=top,
        snr=top / noise_of(np.concatenate([level[:onset], level[offset:]])),
        lead=0,  # counted once the intensity of the whole clip is known
        style_margin=_style_margin(face, top, held, fps),
    )
    return motion, found.axes @ pose


def noise_of(level: np.ndarray) -> float:
    """Return the spread of the frames at rest, in IOD; another motion among them counts little."""
    return max(1e-4, MEDIAN_TO_RMS * float(np.median(level)) if len(level) else TOLERANCE_IOD)


def _span(found: Phases, leak: np.ndarray, fps: float) -> tuple[int, int]:
    """Find onset and offset in the directions of the motion."""
    n, start, stop = len(found.level), found.runs[0][0], found.runs[-1][1]
    if len(found.runs) >= SPEECH_RUNS:
        return start, stop
    size = amplitude(found.level)
    onset = _onset(found.face - found.before.pose, leak, start, size, fps)
    if stop == n:
        return onset, n
    pose = found.before.pose if found.after is None else found.after.pose
    return onset, n - _onset((found.face - pose)[::-1], leak[::-1], n - stop, size, fps)


def _onset(face: np.ndarray, leak: np.ndarray, start: int, size: float, fps: float) -> int:
    """Find the first frame of the rise into a core that begins at the frame `start`."""
    width = max(1, round(DIRECTION_S * fps))
    along = project(face, face[start : start + width].mean(0))
    rise = along[start : start + 2 * width]
    height = min(size, float(rise.max()))
    high = start + int(np.argmax(rise >= height / 2))
    return first_moving(along, high, height, fps, leak)


def _with_other_phases(
    signal: np.ndarray, leak: np.ndarray, span: tuple[int, int], noise: float, fps: float
) -> tuple[int, int]:
    """Extend a motion by the phases in other points just before it and just after it."""
    least = MIN_PHASE_IOD / min(1.0, noise)  # drift does not shrink with the landmarks' noise
    n, (onset, offset) = len(signal), span
    onset = _first_phase(signal, leak, onset, least, fps)
    return onset, n - _first_phase(signal[::-1], leak[::-1], n - offset, least, fps)


def _first_phase(face: np.ndarray, leak: np.ndarray, onset: int, least: float, fps: float) -> int:
    """Return the onset of a phase that goes over into a motion, or `onset` where there is none.

    A motion may begin in other points than those that move furthest: with a lid, say, before the
    mouth. Just before `onset` the face is then already away from rest, in all its points together.
    """
    width, begin = max(3, round(DIRECTION_S * fps)), max(0, onset - round(FIRST_PHASE_S * fps))
    face, leak = face[begin:onset], leak[begin:onset]
    calm = max(width, len(face) // 3)  # frames that are taken to be at rest
    # Beside a blink the face is not at rest either.
    open_eyed = ~widened(leak > TOLERANCE_IOD, 2)[:calm]
    if len(face) < calm + width or open_eyed.sum() < width:
        return onset
    face = face - np.median(face[:calm][open_eyed], axis=0)
    ahead = np.median(face[-width:], axis=0)  # the last frame may belong to the motion already
    height = float(rms(ahead))
    if height - float(np.median(leak[-width:])) < least:
        return onset
    return begin + max(calm, first_moving(project(face, ahead), len(face) - 1, height, fps, leak))


def _style_margin(face: np.ndarray, top: float, held: bool, fps: float) -> float:
    """Return how far the clip's end is from a change of style, 0 to 1.

    The style depends on the final distance from the first rest: a clear return ends at 0, a clear
    hold at the motion's height, and the styles meet at `RETURN_SHARE` of the height.
    """
    end = np.median(face[-max(1, round(END_S * fps)) :], axis=0)
    share = min(1.0, float(rms(end)) / max(top, 1e-9))
    margin = (share - RETURN_SHARE) / (1 - RETURN_SHARE) if held else 1 - share / RETURN_SHARE
    return max(0.0, margin)


def _apex(
    face: np.ndarray, level: np.ndarray, span: tuple[int, int], fps: float
) -> tuple[int, float, np.ndarray]:
    """Find the first frame of the plateau, its height, and its direction of length 1, [R]."""
    onset, offset = span
    inside = level[onset:offset]
    far = onset + np.flatnonzero(inside >= PLATEAU_SHARE * inside.max())
    pose = face[far].mean(0)
    pose = pose / max(float(rms(pose)), 1e-12)
    along = face @ pose
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
        return first, top, pose
    # The arrival at the plateau is an edge of the same curve with time and height reversed; frame i
    # of the reversed curve is frame stop - 1 - i of the clip. The apex follows the last frame of
    # the rise.
    lack = (top - along[:stop])[::-1]
    apex = stop - first_moving(lack, stop - 1 - int(low[-1]), top, fps)
    apex += round(APEX_MARGIN_S * fps)
    return int(np.clip(apex, max(onset, low[-1] + 1), stop - 1)), top, pose
