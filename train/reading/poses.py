"""Frames of clips for PCL: images, expressions and the pose of the head."""

from dataclasses import dataclass

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.train.data import images_of, spread_frames

UNLABELLED = -1
ROLL = 2  # among yaw, pitch, roll


@dataclass(frozen=True)
class PoseReader:
    """Reads frames with a detected face, spread over a clip.

    Attributes
    ----------
    size, frames : int
        Side of an image; frames of a clip, at most.
    peak : float
        Share of a clip's greatest displacement from which a frame shows its action.
    column : str
        Column of the actions that has the classes.
    classes : frozenset of str
        Classes that training subjects show.
    names : tuple of str
        All expressions, `neutral` among them.
    neutral : str
    """

    size: int
    frames: int
    peak: float
    column: str
    classes: frozenset[str]
    names: tuple[str, ...]
    neutral: str

    def __call__(self, clip: ActionClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return images, uint8 [k, 3, S, S], expressions, int [k], and poses, float [k, 3].

        A pose is that of the head in the crop, :func:`poses_in_crop`.
        """
        chosen = spread_frames(np.flatnonzero(clip.column("detected")), self.frames)
        images = images_of(clip.frames(chosen.tolist()), self.size, 3)
        return images, self.expressions(clip)[chosen], poses_in_crop(clip)[chosen]

    def expressions(self, clip: ActionClip) -> np.ndarray:
        """Label the frames of a clip, int [T]: neutral, its expression, or -1.

        Of the frames before the onset only the first is labelled neutral; otherwise half of all
        labels would be neutral, since every clip begins so.
        """
        shown = np.full(clip.n_frames, UNLABELLED)
        motion, expression = clip.motion, str(clip.row[self.column])
        if motion is None or expression not in self.classes:
            return shown
        moving = np.arange(motion.onset, motion.offset)
        strength = clip.intensity[moving]
        shown[moving[strength >= self.peak * strength.max()]] = self.names.index(expression)
        if motion.onset > 0:
            shown[0] = self.names.index(self.neutral)
        return shown


def poses_in_crop(clip: ActionClip) -> np.ndarray:
    """Return yaw, pitch and roll as the crops show them, float32 [T, 3], in degrees.

    The transform to the crop rotates the image, and so changes the roll.
    """
    poses, linear = clip.pose.copy(), clip.transform[:, :, :2]
    # An image's rotation is clockwise where it is positive, a roll counter-clockwise.
    poses[:, ROLL] -= np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    return poses
