"""Spotting: the motions of a clip from its track, in which blinks and head rotation are no motion.

A motion is measured by the distance of the face from rest. Standard deviations, which the 2022
paper uses in its Section 2.5, do not distinguish a held apex from a neutral face. A clip begins at
rest and ends at rest or in a held apex. The frames furthest from rest are the core of the motion;
the edges of the core's rise and fall are onset and offset. Promise: a clip without a motion has a
motion of None.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.catalog.rest import with_rest
from fmdata.catalog.types import Motion, Track
from fmdata.pipeline.spotting.eyelids import Lids
from fmdata.pipeline.spotting.phases import PHASE_GAP_S, find_phases
from fmdata.pipeline.spotting.signal import Signal, displaced_share, lid_share, measure
from fmdata.pipeline.spotting.timing import measure_motion, noise_of

BLINK_REMAINDER = 0.1  # of the lids' closing: displacement of the face that may remain of a blink
# Least amplitude times signal-to-noise ratio. A motion below it is doubtful, and so is a clip
# without one: the second pass decides.
DOUBTFUL_IOD = 0.5
PHASE_IOD = 0.2  # the same for a motion that goes over into another: it is a phase of that one
MIN_SNR = 3.5  # of a motion in doubt; a face at rest wanders too
LID_SHARE = 0.4  # of the motion; from here on the second pass measures the lids
MIN_PART_S = 0.6  # shortest part of a clip, beside a motion, that is searched for another


@dataclass(frozen=True, repr=False)
class Spotting(ArrayRepr):
    """Result of spotting one clip.

    Attributes
    ----------
    intensity : float32 [T]
        Displacement of the face from rest along the motion, in interocular distances (IOD).
    motion : Motion or None
        The largest motion; None where the face does not move.
    motions : tuple of Motion
        All motions, in the order of time.
    lid_share : float
        Share of one-sided lid motion in the motion, 0 to 1; 0 without a motion.
    """

    intensity: np.ndarray
    motion: Motion | None
    motions: tuple[Motion, ...]
    lid_share: float

    @property
    def is_doubtful(self) -> bool:
        """True if landmark noise or head rotation may have hidden a motion or made one."""
        return self.motion is None or _clearness(self.motion) < DOUBTFUL_IOD

    @property
    def is_of_lids(self) -> bool:
        """True if the motion is mostly that of one eye's lids, as in a wink."""
        return self.lid_share > LID_SHARE


@dataclass(frozen=True, repr=False)
class _Found(ArrayRepr):
    """The largest motion of a part of a clip; `level` is the distance from rest, float64 [T]."""

    motion: Motion | None
    level: np.ndarray
    lid_share: float


def spot(
    track: Track,
    fps: float,
    noise: float = 1.0,
    *,
    lids: Lids | None = None,
    in_doubt: bool = False,
) -> Spotting:
    """Find the motions of a clip.

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
        Whether to discard a faint motion that may be an artefact of head rotation, or a face that
        wanders at rest.
    """
    if track.n_frames == 0:
        return Spotting(np.zeros(0, np.float32), None, (), 0.0)
    signal = measure(track, fps, noise, lids, in_doubt=in_doubt)
    found = _find(signal, slice(0, track.n_frames), fps)
    motion, level = found.motion, found.level
    if motion is None or (in_doubt and motion.snr < MIN_SNR):
        return Spotting(level.astype(np.float32), None, (), 0.0)
    motions = [motion]
    for part in (slice(0, motion.onset), slice(motion.offset, track.n_frames)):
        _add_further(motions, signal, part, level, fps)
    intensity = level.astype(np.float32)
    whole = tuple(with_rest(one, intensity, track.detected) for one in _joined(motions, fps))
    motion = max(whole, key=lambda one: one.amplitude_iod)
    return Spotting(intensity, motion, whole, found.lid_share)


def _clearness(motion: Motion) -> float:
    return motion.amplitude_iod * motion.snr


def _add_further(
    motions: list[Motion], signal: Signal, part: slice, level: np.ndarray, fps: float
) -> None:
    """Add the clear motions of a part of the clip, and raise the level to theirs.

    A motion close to the one beside the part is a phase of it, and may be fainter than others.
    """
    if part.stop - part.start < MIN_PART_S * fps:
        return
    found = _find(signal, part, fps)
    motion = found.motion
    if motion is None:
        return
    before = motion.onset - part.start if part.start > 0 else math.inf
    after = part.stop - motion.offset if part.stop < len(level) else math.inf
    gap = min(before, after)  # frames between it and the motion beside the part
    if gap > 0:  # the few frames at rest of a short part may be quieter than the clip
        resting = np.ones(len(level), np.bool_)
        for one in (*motions, motion):
            resting[one.onset : one.offset] = False
        noise = noise_of(level[resting])
        motion = replace(motion, snr=min(motion.snr, motion.amplitude_iod / noise))
    least = PHASE_IOD / min(1.0, signal.noise) if gap <= PHASE_GAP_S * fps else DOUBTFUL_IOD
    if _clearness(motion) < least:
        return
    motions.append(motion)
    level[part] = np.maximum(level[part], found.level)
    for rest in (slice(part.start, motion.onset), slice(motion.offset, part.stop)):
        _add_further(motions, signal, rest, level, fps)


def _joined(motions: list[Motion], fps: float) -> list[Motion]:
    """Join motions that are phases of one, because hardly a rest is between them."""
    joined: list[Motion] = []
    for motion in sorted(motions, key=lambda one: one.onset):
        if joined and motion.onset - joined[-1].offset <= PHASE_GAP_S * fps:
            last = joined.pop()
            largest = max(last, motion, key=lambda one: one.amplitude_iod)
            motion = replace(largest, onset=last.onset, offset=motion.offset, style=motion.style)
        joined.append(motion)
    return joined


def _find(signal: Signal, part: slice, fps: float) -> _Found:
    """Find the largest motion of a part of the clip."""
    # The thresholds hold for the noise of landmarks that MediaPipe detects once. So displacements
    # are divided by the relative noise, and the results multiplied by it.
    face, leak = signal.face[part], BLINK_REMAINDER / signal.noise * signal.blink[part]
    found = find_phases(face, leak, fps)
    if not found.runs:
        unit = signal.noise * displaced_share(found.axes[:, 0])
        return _Found(None, unit * found.level, 0.0)
    motion, direction = measure_motion(found, face, leak, signal.noise, fps)
    unit = signal.noise * displaced_share(direction)
    motion = replace(
        motion,
        onset=part.start + motion.onset,
        apex=part.start + motion.apex,
        offset=part.start + motion.offset,
        amplitude_iod=unit * motion.amplitude_iod,
    )
    return _Found(motion, unit * found.level, lid_share(direction))
