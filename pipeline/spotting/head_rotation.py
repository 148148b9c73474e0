"""Artefacts of head rotation in the mesh, removed by ridge regression on yaw and pitch.

A landmark network sees a rotated head as a slightly different face: a degree of yaw or pitch
deforms the mesh by a thousandth or two of the interocular distance, differently for each face. Over
ten degrees that is as much as a faint expression. The deformation is nearly linear in the angles,
so it is estimated from the clip itself.
"""

import numpy as np

from fmdata.catalog.types import Landmarks
from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import to_median
from fmdata.pipeline.geometry.timeseries import smooth

PRIOR_IOD_PER_DEG = 0.0015  # prior standard deviation of the deformation, RMS over the face
MAX_IOD_PER_DEG = 0.003  # of the deformation removed; more may be a motion that follows the head
DOUBTFUL_ROUNDS = 3  # of estimating the residual variance, where a motion is in doubt
MIN_PENALTY = 0.01  # square degrees; for a face that never moves
MOTION_PENALTY = 0.01  # for the motion's regressor, which has no prior
CORRELATION_S = 0.4  # of the head's angles: frames nearer than that are no independent samples


def head_rotation(landmarks: Landmarks, fps: float) -> np.ndarray:
    """Measure yaw and pitch of each frame's head against the clip's median head, in degrees.

    Their signs are not those of a row's pose.

    Parameters
    ----------
    landmarks : Landmarks
        Of every frame.
    fps : float
        Frames per second.

    Returns
    -------
    float64 [T, 2]
        From the points that expressions do not move; smoothed, with a mean of 0.
    """
    rigid = pick(landmarks, layout_of(landmarks).rigid)
    back = to_median(rigid.astype(np.float64))[:, :, :3]
    rotation = back / np.cbrt(np.linalg.det(back))[:, None, None]
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = np.arcsin(np.clip(-rotation[:, 1, 2], -1, 1))
    degrees = smooth(np.degrees(np.stack([yaw, pitch], axis=1)), fps)
    centred: np.ndarray = degrees - degrees.mean(0)
    return centred


def rms_deg(rotation: np.ndarray) -> float:
    """Return the RMS size, in degrees, of the angles of :func:`head_rotation`."""
    return float(np.sqrt(np.square(rotation).sum(axis=1).mean()))


def without_rotation(
    face: np.ndarray,
    rotation: np.ndarray,
    fps: float,
    noise: float = 1.0,
    motion: np.ndarray | None = None,
    *,
    in_doubt: bool = False,
) -> np.ndarray:
    """Subtract the displacement that is linear in yaw and pitch.

    Ridge regression under a Gaussian prior with a standard deviation of `PRIOR_IOD_PER_DEG`. A clip
    whose head rotates little and whose face moves much says little about rotation, and is hardly
    changed.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances over `noise`; squares over D add up to a mean.
    rotation : float64 [T, 2]
        Of :func:`head_rotation`.
    fps : float
        Frames per second.
    noise : float
        By which displacements have been divided.
    motion : float64 [T], optional
        The course of a known motion, 0 to 1. A further regressor: displacement that follows it is
        not attributed to the head, even if the head rotated at the same time.
    in_doubt : bool
        Whether a motion is in doubt. The residual variance is then estimated again from the
        residual, `DOUBTFUL_ROUNDS` times in all, so that a deformation does not increase the
        penalty on itself. Otherwise it is the variance of the whole displacement.
    """
    regressors = rotation if motion is None else np.column_stack([rotation, motion - motion.mean()])
    rounds = DOUBTFUL_ROUNDS if in_doubt else 1
    artefact: np.ndarray = rotation @ _ridge(regressors, face, fps, noise, rounds)[:2]
    return np.subtract(face, artefact, out=artefact)


def _ridge(
    regressors: np.ndarray, face: np.ndarray, fps: float, noise: float, rounds: int
) -> np.ndarray:
    """Return the coefficients, float64 [K, D], of the regressors, [T, K].

    The normal equations are those of the effective sample size, of frames that `CORRELATION_S`
    separates. With s² the residual variance and p the prior standard deviation, the penalty is
    s² / p².
    """
    n = len(face)
    moves = smooth(face, fps)
    moves -= moves.mean(0)
    total = sum(float(np.square(moves[frames]).sum()) for frames in blocks(n))
    samples = min(float(n), max(2.0, n / (CORRELATION_S * fps)))  # effective sample size
    share = samples / n
    gram, moments = share * regressors.T @ regressors, share * regressors.T @ moves
    variance = total / n
    for _ in range(rounds):
        penalty = max(MIN_PENALTY, variance / (PRIOR_IOD_PER_DEG / noise) ** 2)  # square degrees
        inverse = np.linalg.inv(gram + np.diag([penalty, penalty, MOTION_PENALTY][: len(gram)]))
        response = inverse @ moments
        size = noise * np.linalg.norm(response[:2], axis=1)
        response[:2] /= np.maximum(1.0, size / MAX_IOD_PER_DEG)[:, None]
        explained = float((response * (2 * moments - gram @ response)).sum())
        freedom = float(np.trace(inverse @ gram))  # effective degrees of freedom
        variance = max(0.0, share * total - explained) / max(1.0, samples - freedom)
    return response
