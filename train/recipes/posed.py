"""Single frames with what they show: an expression, and the pose of the head in the crop."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.train.data import images_of, spread_frames
from fmdata.train.metrics import Confusion

NEUTRAL = "neutral"
UNLABELLED = -1
ROLL = 2  # among yaw, pitch, roll


class Frames(NamedTuple):
    """Single frames: uint8 [N, 3, S, S], expressions int [N] (-1: none), degrees float [N, 3]."""

    images: Tensor
    expressions: Tensor
    poses: Tensor


def read_frames(
    dataset: Dataset,
    subjects: Sequence[str],
    expressions: Sequence[str],
    per_clip: int,
    size: int,
    peak: float,
    *,
    column: str,
) -> Frames:
    """Read frames with a detected face from some subjects' clips.

    Parameters
    ----------
    expressions : sequence of str
        Classes, :data:`NEUTRAL` among them.
    per_clip, size : int
        Frames of a clip, spread over it, and their side in pixels.
    peak : float
        As for :func:`expressions_of`.
    column : str
        Column of the clips that has their class.
    """
    images, labels, poses = [], [], []
    for clip in dataset.actions:
        if clip.subject not in subjects:
            continue
        chosen = spread_frames(np.flatnonzero(clip.column("detected")), per_clip)
        images.append(images_of(clip.frames(chosen.tolist()), size, 3))
        labels.append(expressions_of(clip, str(clip.row[column]), expressions, peak)[chosen])
        poses.append(poses_in_crop(clip)[chosen])
    return Frames(*(torch.from_numpy(np.concatenate(part)) for part in (images, labels, poses)))


def expressions_of(
    clip: ActionClip, expression: str, expressions: Sequence[str], peak: float
) -> np.ndarray:
    """Label the frames of a clip, int [T]: neutral, its expression, or -1.

    The expression is shown from a share `peak` of the greatest displacement on. Of the frames
    before the onset only the first is labelled neutral; otherwise half of all labels would be
    neutral, since every clip begins so.
    """
    shown = np.full(clip.n_frames, UNLABELLED)
    motion = clip.motion
    if motion is None or expression not in expressions:
        return shown
    moving = np.arange(motion.onset, motion.offset)
    strength = clip.intensity[moving]
    shown[moving[strength >= peak * strength.max()]] = expressions.index(expression)
    if motion.onset > 0:
        shown[0] = expressions.index(NEUTRAL)
    return shown


def poses_in_crop(clip: ActionClip) -> np.ndarray:
    """Return yaw, pitch and roll as the crops show them, float32 [T, 3], in degrees.

    The transform to the crop rotates the image, and so changes the roll.
    """
    poses, linear = clip.pose.copy(), clip.transform[:, :, :2]
    # An image's rotation is clockwise where it is positive, a roll counter-clockwise.
    poses[:, ROLL] -= np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    return poses


def accuracies(confusion: Confusion) -> dict[str, float]:
    """Return accuracy, mean recall, and the accuracy of the most frequent class."""
    counts, true = confusion.counts, confusion.counts.sum(axis=1)
    recalls = counts.diagonal()[true > 0] / true[true > 0]
    return {
        "accuracy": float(counts.trace() / true.sum()),
        "balanced_accuracy": float(recalls.mean()),
        "chance_accuracy": float(true.max() / true.sum()),
    }
