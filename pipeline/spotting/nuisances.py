"""Nuisances: what moves the measured face without being a facial motion, removed by regression.

A blink and a rotation of the head each have a course that is measured apart from the
face. The response of the face to them differs from face to face, so it is estimated from the clip
itself, by a robust regression of the face's changes on the courses' changes. Changes, because a
face is at rest or held in most frames, so that few of its changes are motion; robust, because those
few must not be attributed to a blink or a nod that coincides with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.pipeline.geometry.blocks import blocks

CHANGE_S = 0.2  # between the frames whose difference is a change
CHANGE_IOD = 0.006  # noise of a change, RMS over the face
ROUNDS = 8  # of reweighting


@dataclass(frozen=True, repr=False)
class Nuisance(ArrayRepr):
    """Course of a nuisance, float64 [T], and the prior standard deviation of the response to it.

    The prior is in IOD per unit of the course, RMS over the face.
    """

    course: np.ndarray
    prior: float


def subtract(nuisances: Sequence[Nuisance], face: np.ndarray, fps: float) -> np.ndarray:
    """Subtract the response to nuisances from a face's displacement, in place.

    With x the face, n the courses and Δ a change, the response R minimises
    Σ_t ρ(‖Δx(t) − Δn(t) R‖ / σ) + Σ_k ‖R_k‖² / (2 p_k²), where ρ is Huber's function, σ is
    `CHANGE_IOD` and p_k is a prior: iteratively reweighted least squares.

    Parameters
    ----------
    nuisances : sequence of Nuisance
        K of them.
    face : float64 [T, D]
        Displacement, in IOD.
    fps : float
        Frames per second.

    Returns
    -------
    float64 [T, D]
        `face`, changed.
    """
    courses = np.column_stack([nuisance.course for nuisance in nuisances])
    courses -= np.median(courses, axis=0)
    priors = np.array([nuisance.prior for nuisance in nuisances])
    response = _response(courses, face, priors, max(1, round(CHANGE_S * fps)))
    for frames in blocks(len(face)):
        face[frames] -= courses[frames] @ response
    return face


def _response(courses: np.ndarray, face: np.ndarray, priors: np.ndarray, step: int) -> np.ndarray:
    """Estimate the response to the courses, float64 [K, D], from changes over `step` frames."""
    response: np.ndarray = np.zeros((courses.shape[1], face.shape[1]))
    for _ in range(ROUNDS if len(face) > step else 0):
        gram, moments = np.diag((CHANGE_IOD / priors) ** 2), np.zeros_like(response)
        for frames in blocks(len(face) - step):
            later = slice(frames.start + step, frames.stop + step)
            change, by = face[later] - face[frames], courses[later] - courses[frames]
            size = np.linalg.norm(change - by @ response, axis=1)
            # Overlapping changes count once.
            weighted = (by / np.maximum(1.0, size / CHANGE_IOD)[:, None] / step).T
            gram += weighted @ by
            moments += weighted @ change
        response = np.linalg.solve(gram, moments)
    return response
