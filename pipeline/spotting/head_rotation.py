"""What turning the head does to the mesh beyond the turn itself, learned from the clip.

A landmark network sees a turned head as a slightly different face: a degree of yaw or pitch bends
the mesh by a thousandth or two of the interocular distance, each face in its own way. Over ten
degrees that is as much as a faint expression. It is linear enough to be learned from the very clip
by ridge regression on the head's own turns.
"""

import numpy as np

from fmdata.catalog.types import Landmarks
from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.similarity import to_median
from fmdata.pipeline.geometry.timeseries import smooth

BEND_IOD = 0.0015  # what a degree may be expected to do, RMS over the face
IN_DOUBT_ROUNDS = 3  # of telling what the turns explain from what they leave
MOST_BEND_IOD = 0.003  # most that is laid to a degree; more may be a motion that goes with the head
LEAST_DOUBT = 0.01  # of a face that never moves, which teaches nothing
FREE = 0.01  # doubt of a motion's height: of that nothing is expected
MEMORY_S = 0.4  # a head keeps its way for so long: frames nearer than that tell the same


def turns(landmarks: Landmarks, fps: float) -> np.ndarray:
    """Yaw and pitch of each frame's head against the clip's median head, in degrees.

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
        From the points that expressions do not move, smoothed, with a mean of 0.
    """
    rigid = pick(landmarks, layout_of(landmarks).rigid)
    back = to_median(rigid.astype(np.float64))[:, :, :3]
    rotation = back / np.cbrt(np.linalg.det(back))[:, None, None]
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = np.arcsin(np.clip(-rotation[:, 1, 2], -1, 1))
    degrees = smooth(np.degrees(np.stack([yaw, pitch], axis=1)), fps)
    centred: np.ndarray = degrees - degrees.mean(0)
    return centred


def turned_deg(turned: np.ndarray) -> float:
    """How much a head turns, RMS in degrees, by the angles of :func:`turns`."""
    return float(np.sqrt(np.square(turned).sum(axis=1).mean()))


def unbent(
    face: np.ndarray,
    turned: np.ndarray,
    fps: float,
    noise: float = 1.0,
    motion: np.ndarray | None = None,
    *,
    in_doubt: bool = False,
) -> np.ndarray:
    """Take out of a face what follows the head's turns.

    Ridge regression, under a Gaussian prior of `BEND_IOD` a degree: a face that moves much, in a
    clip whose head turns little, is hardly touched, because such a clip teaches little about turns.
    How much it moves by itself is at first taken from all that is seen; in doubt it is taken from
    what the turns leave, once more and again, so that a bend does not weigh against itself.

    Parameters
    ----------
    face : float64 [T, D]
        Displacement, in interocular distances over `noise`; squares over D add up to a mean.
    turned : float64 [T, 2]
        Of :func:`turns`.
    fps : float
        Frames per second.
    noise : float
        By which displacements have been divided.
    motion : float64 [T], optional
        The course of a motion that is known to be there, 0 to 1. What follows it is not the
        turns' doing, though the head may have turned at the same time.
    in_doubt : bool
        Whether it is in doubt that there is a motion.
    """
    n = len(face)
    causes = turned if motion is None else np.column_stack([turned, motion - motion.mean()])
    moves = smooth(face, fps)
    moves -= moves.mean(0)
    swing = sum(float(np.square(moves[frames]).sum()) for frames in blocks(n))
    samples = min(float(n), max(2.0, n / (MEMORY_S * fps)))  # that tell something of their own
    share = samples / n
    told, follows = share * causes.T @ causes, share * causes.T @ moves
    del moves  # as large as a long recording's face, and so is the result
    own = swing / n  # the variance of what the face does by itself
    for _ in range(IN_DOUBT_ROUNDS if in_doubt else 1):
        doubt = max(LEAST_DOUBT, own / (BEND_IOD / noise) ** 2)  # in square degrees
        inverse = np.linalg.inv(told + np.diag([doubt, doubt, FREE][: len(told)]))
        response = inverse @ follows
        bend = noise * np.linalg.norm(response[:2], axis=1)
        response[:2] /= np.maximum(1.0, bend / MOST_BEND_IOD)[:, None]
        explained = float((response * (2 * follows - told @ response)).sum())
        freedom = float(np.trace(inverse @ told))
        own = max(0.0, share * swing - explained) / max(1.0, samples - freedom)
    result: np.ndarray = turned @ response[:2]
    return np.subtract(face, result, out=result)
