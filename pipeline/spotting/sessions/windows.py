"""Spots every motion of a session: active parts, and in a window around each the usual spotting.

A window begins where the activity before ends, and ends where the next one begins, at most some
time at rest away. Talk, turns of the head and faint activity are no motions. Promise: the result
depends on the track alone, and memory does not grow with its length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from fmdata.catalog.types import Motion, Track
from fmdata.pipeline.geometry.timeseries import runs_of
from fmdata.pipeline.landmarks.track import MAX_GAP
from fmdata.pipeline.spotting.head_rotation import head_rotation
from fmdata.pipeline.spotting.sessions.activity import active_runs
from fmdata.pipeline.spotting.sessions.session import Session, SessionMotion
from fmdata.pipeline.spotting.spot import DOUBTFUL_IOD, Spotting, spot
from fmdata.pipeline.spotting.timing import PLATEAU_SHARE

CHUNK_S, MARGIN_S = 60.0, 12.0  # of a session that is looked at together; around it
REST_S = 1.0  # beside a motion, at most, that belongs to its span
MAX_TURNS = 2.0  # way of the face over twice its amplitude; talk has more
# Least amplitude for each degree by which the head is turned in step with the motion; the landmark
# network deforms the mesh of a face by 0.0016 to 0.0046 IOD a degree.
MIN_PER_DEGREE_IOD = 0.006
BESIDE_S = 0.3  # before and after a motion, in which the head's rotation at rest is measured
SYLLABLE_S = 0.2  # pause beside talk, in which a motion is a syllable of it
MAX_UNSEEN = 0.1  # share of a motion's frames that may lie in a long gap without the face


def spot_session(track: Track, fps: float) -> Session:
    """Spot every motion of a session.

    Parameters
    ----------
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    """
    rest = round(REST_S * fps)
    found: list[SessionMotion] = []
    for window, motion in _motions(track, fps):
        if not found or motion.onset >= found[-1].offset:
            start, stop = max(window.start, motion.onset - rest), motion.offset + rest
            span = slice(start, min(window.stop, stop))
            found.append(_placed(motion, span, track.timestamps_s, fps))
    return Session(fps, track.n_frames, tuple(found))


def part_of(track: Track, frames: slice) -> Track:
    """Return the track of some frames; the times stay those of the recording."""
    scores = track.blendshapes
    return replace(
        track,
        detected=track.detected[frames],
        timestamps_s=track.timestamps_s[frames],
        landmarks=track.landmarks[frames],
        pose=track.pose[frames],
        blendshapes=None if scores is None else scores[frames],
        brightness=track.brightness[frames],
        sharpness=track.sharpness[frames],
    )


def _runs(track: Track, fps: float) -> list[tuple[int, int]]:
    """List the active runs of a session, found chunk by chunk."""
    n, chunk, margin = track.n_frames, round(CHUNK_S * fps), round(MARGIN_S * fps)
    runs: list[tuple[int, int]] = []
    for begin in range(0, n, chunk):
        around = slice(max(0, begin - margin), min(n, begin + chunk + margin))
        for start, stop in active_runs(part_of(track, around), fps):
            run = around.start + start, around.start + stop
            middle = sum(run) // 2  # the chunk of its middle has it
            if begin <= middle < begin + chunk and (not runs or run[0] >= runs[-1][1]):
                runs.append(run)
    return runs


def _motions(track: Track, fps: float) -> Iterator[tuple[slice, Motion]]:
    """Yield each motion, in frames of the session, and the window in which it was spotted."""
    runs, rest = _runs(track, fps), round(REST_S * fps)
    ends = [0, *(stop for _, stop in runs)]
    starts = [*(start for start, _ in runs[1:]), track.n_frames]
    for run, before, after in zip(runs, ends, starts, strict=False):
        window = slice(max(before, run[0] - rest), min(after, run[1] + rest))
        part = part_of(track, window)
        spotting, unseen = spot(part, fps), _unseen(part.detected)
        rotation = head_rotation(part.landmarks, fps)
        talk = [one for one in spotting.motions if turns_of(spotting, one) > MAX_TURNS]
        for one in spotting.motions:
            onset, apex, offset = (window.start + at for at in (one.onset, one.apex, one.offset))
            if onset >= run[1] or offset <= run[0] or _is_talk(one, talk, fps):
                continue
            if unseen[one.onset : one.offset].mean() <= MAX_UNSEEN and _is_clear(
                one, rotation, fps
            ):
                yield window, replace(one, onset=onset, apex=apex, offset=offset)


def _is_talk(motion: Motion, talk: Sequence[Motion], fps: float) -> bool:
    """Return whether a motion is among the talk of its window, or a syllable beside it."""
    gap = SYLLABLE_S * fps
    return any(motion.onset - one.offset < gap and one.onset - motion.offset < gap for one in talk)


def _is_clear(motion: Motion, rotation: np.ndarray, fps: float) -> bool:
    """Return whether neither noise nor a turn of the head explains a motion."""
    least = MIN_PER_DEGREE_IOD * turned_deg(motion, rotation, fps)
    return motion.amplitude_iod >= least and motion.amplitude_iod * motion.snr >= DOUBTFUL_IOD


def turns_of(spotting: Spotting, motion: Motion) -> float:
    """Return the way of the face during a motion over twice its amplitude; 1 is up and down."""
    level = spotting.intensity[motion.onset : motion.offset].astype(np.float64)
    end = 0.0 if motion.style == "return" else level[-1]
    way = np.abs(np.diff(level, prepend=0.0, append=end)).sum()
    return float(way / (2 * motion.amplitude_iod))


def turned_deg(motion: Motion, rotation: np.ndarray, fps: float) -> float:
    """Return the degrees by which the head is turned during a motion, against the rest beside it.

    `rotation` is that of :func:`fmdata.pipeline.spotting.head_rotation.head_rotation`.
    """
    width = max(1, round(BESIDE_S * fps))
    beside = (
        rotation[max(0, motion.onset - width) : motion.onset],
        rotation[motion.offset : motion.offset + width],
    )
    rests = [np.median(frames, axis=0) for frames in beside if len(frames)]
    rest = np.mean(rests, axis=0) if rests else rotation.mean(axis=0)
    turned = np.linalg.norm(rotation[motion.onset : motion.offset] - rest, axis=1)
    return float(np.quantile(turned, PLATEAU_SHARE))


def _unseen(detected: np.ndarray) -> np.ndarray:
    """Return the frames in gaps without the face that are too long to count as detected."""
    unseen = np.zeros(len(detected), np.bool_)
    for start, stop in runs_of(~detected):
        unseen[start:stop] = stop - start > MAX_GAP
    return unseen


def _placed(motion: Motion, span: slice, times_s: np.ndarray, fps: float) -> SessionMotion:
    end_s = times_s[span.stop] if span.stop < len(times_s) else times_s[-1] + 1 / fps
    return SessionMotion(
        start=span.start, stop=span.stop, start_s=float(times_s[span.start]), stop_s=float(end_s),
        onset=motion.onset, apex=motion.apex, offset=motion.offset, style=motion.style,
        amplitude=motion.amplitude_iod, snr=motion.snr,
    )  # fmt: skip
