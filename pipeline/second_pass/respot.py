"""Decision of the second pass: spot doubtful clips again, on refined landmarks.

A motion that the first pass finds beyond doubt is never withdrawn.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.second_pass.redetect import MESH, Refined, refine
from fmdata.pipeline.spotting.head_rotation import head_rotation, rms_deg
from fmdata.pipeline.spotting.spot import Spotting, spot

# Standard deviation of the refined landmarks' noise, relative to landmarks detected once: the noise
# that the views leave, and for each degree of head rotation (RMS) the deformation of the mesh,
# which all views share. Chosen on still faces and on motions of a quarter of the amplitude, see
# docs/fidelity.md.
VIEWS_NOISE, ROTATION_NOISE = 0.37, 0.32
# Least amplitude of a motion beyond doubt, with a still head and for each degree of head rotation.
CLEAR_IOD, CLEAR_ROTATION_IOD = 0.02, 0.01
CLEARER = 3.0  # ratio of signal-to-noise ratios from which the second pass places a motion


def respot(
    frames: Callable[[], Iterable[Frame]],
    track: Track,
    fps: float,
    landmarker: Landmarker,
    first: Spotting,
    folder: Path,
) -> Spotting:
    """Run the second pass where the first one left a doubt; otherwise return its result.

    Parameters
    ----------
    frames : callable
        Returns the frames of the track, one at a time; not called without a second pass.
    track : Track
        The face in every frame.
    fps : float
        Frames per second.
    landmarker : Landmarker
        The backend of the track.
    first : Spotting
        Result of the first pass.
    folder : Path
        Where temporary files go; all are removed.

    Raises
    ------
    RecordingError
        With reason ``truncated``, when the number of frames is not that of the track.
    """
    if not needs_second_pass(first, track):
        return first
    with TemporaryDirectory(dir=folder) as work:
        refined = refine(frames(), track, fps, landmarker, Path(work))
        return first if refined is None else spot_refined(first, track, refined, fps)


def needs_second_pass(first: Spotting, track: Track) -> bool:
    """Return whether the second pass may change the first one's result."""
    if track.landmarks.shape[1] != MESH:
        return False  # FAN's points are too coarse
    return first.is_of_lids or first.is_doubtful


def is_beyond_doubt(spotting: Spotting, track: Track, fps: float) -> bool:
    """Return whether neither landmark noise nor head rotation explains the motion.

    A clear motion, and one that is large for the head's rotation: as in speech, where the few
    frames at rest are not calm.
    """
    if not spotting.is_doubtful:
        return True
    if spotting.motion is None:
        return False
    rotation_deg = rms_deg(head_rotation(track.landmarks, fps))
    return spotting.motion.amplitude_iod >= CLEAR_IOD + CLEAR_ROTATION_IOD * rotation_deg


def spot_refined(first: Spotting, track: Track, refined: Refined, fps: float) -> Spotting:
    """Confirm the first pass's motion on refined landmarks, or withdraw it if in doubt.

    A confirmed motion stays as it is, because the first pass places it better by expression scores.
    The second pass places a motion of the lids, and one that it shows far more clearly.
    """
    in_doubt = not is_beyond_doubt(first, track, fps)
    noise = noise_of(refined.track, fps)
    second = spot(refined.track, fps, noise, lids=refined.lids, in_doubt=in_doubt)
    if second.motion is None:
        return second if in_doubt else first
    if first.motion is None or first.is_of_lids:
        return second
    return second if second.motion.snr > CLEARER * first.motion.snr else first


def noise_of(track: Track, fps: float) -> float:
    """Return the noise of a refined track, for :func:`fmdata.pipeline.spotting.spot.spot`."""
    rotation_deg = rms_deg(head_rotation(track.landmarks, fps))
    return min(1.0, float(np.hypot(VIEWS_NOISE, ROTATION_NOISE * rotation_deg)))
