"""How far the lids of each eye have moved, over a clip, measured in the pictures themselves.

The eyes are cut out of aligned crops while the frames pass by for another purpose, and once all
have passed, each is registered to the same eye wide open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import cv2
import numpy as np

from fmdata.catalog.types import ArrayRepr, Track
from fmdata.pipeline.cropping.align import crop
from fmdata.pipeline.geometry.blocks import NpyFile, blocks
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.geometry.similarity import apply
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.second_pass.registration import CORNERS, LEFT, LOWER, RIGHT, UPPER, OpenEye
from fmdata.pipeline.spotting.lid_motion import Lids

SIDE = 48  # of an eye's picture in pixels; the eye is a little more than half as wide
PICTURES = (2, SIDE, SIDE)  # of a frame
WIDE_OPEN = 0.1  # share of the frames in which an eye is taken to be wide open; a wink may be long
LEAST_OPEN, MOST_OPEN = 5, 101  # frames that the picture of the open eye is made of
BLUR_PX = 1.0  # of the pictures: an edge must be wider than a step of the registration
# Over the open eye's contrast: what is left between its picture and another that shows it too. An
# eye that is half closed, shut, or hidden leaves more, and then its lids are not known.
ALIKE = 0.2
LEAST_KNOWN = 0.1  # of the frames, of each eye; and of one eye or the other in half of them
LEAST_CONTRAST = 4.0  # grey levels; less is a bar over the eyes, or no light


@dataclass(frozen=True, repr=False)
class Eyes(ArrayRepr):
    """Where the eyes are in aligned crops.

    Attributes
    ----------
    points : float64 [2, 16, 2]
        Of the left and of the right eye of the image, wide open, in the order of `LEFT`; in pixels
        of the crop.
    wide : int [2, K]
        The frames in which that eye is wide open.
    detected : bool [T]
        Where the face was found.
    iod : float
        Interocular distance in pixels of the crop.
    """

    points: np.ndarray
    wide: np.ndarray
    detected: np.ndarray
    iod: float

    @property
    def origins(self) -> np.ndarray:
        """Upper left pixel of each eye's picture, in pixels of the crop, float64 [2, 2]."""
        between: np.ndarray = self.points[:, CORNERS].mean(1)
        return np.round(between - SIDE / 2)


def find_eyes(track: Track, transforms: np.ndarray) -> Eyes:
    """Find where the eyes are when they are wide open.

    Parameters
    ----------
    track : Track
        The face in every frame, 478 points; detected in one of them at least.
    transforms : float64 [T, 2, 3]
        From pixels of the frames to those of aligned crops.
    """
    seen = np.flatnonzero(track.detected)
    order = np.stack([LEFT, RIGHT])
    eyes = np.empty((track.n_frames, *order.shape, 2), np.float32)
    iods = np.empty(track.n_frames)
    for frames in blocks(track.n_frames):
        points = apply(transforms[frames], track.landmarks[frames][..., :2].astype(float))
        eyes[frames], iods[frames] = points[:, order], interocular_distance(points)
    heights = np.linalg.norm(eyes[:, :, UPPER] - eyes[:, :, LOWER], axis=-1).mean(-1)[seen]
    n = min(len(seen), max(LEAST_OPEN, round(WIDE_OPEN * len(seen))))
    wide = np.stack(
        [np.sort(seen[np.argsort(-heights[:, eye], kind="stable")[:n]]) for eye in (0, 1)]
    )
    points = np.stack([np.median(eyes[wide[eye], eye].astype(float), axis=0) for eye in (0, 1)])
    return Eyes(points, wide, track.detected, float(np.median(iods[seen])))


def watched(
    frames: Iterable[Frame], transforms: np.ndarray, eyes: Eyes, file: IO[bytes]
) -> Iterator[Frame]:
    """Pass frames on, and write the pictures of their eyes, uint8 `PICTURES` each."""
    for n, frame in enumerate(frames):
        if n < len(transforms):
            for origin in eyes.origins:
                transform = transforms[n].copy()
                transform[:, 2] -= origin
                picture = crop(frame.rgb, transform, SIDE)
                file.write(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).data)
        yield frame


def moved(pictures: NpyFile, eyes: Eyes) -> Lids | None:
    """Measure how far the lids have moved.

    Parameters
    ----------
    pictures : NpyFile
        Of :func:`watched`, uint8 [T, `PICTURES`].
    eyes : Eyes
        Where they were cut out.

    Returns
    -------
    Lids or None
        None where an eye is hardly ever to be seen: in the dark, behind a bar or hair that moves,
        in a head that turns away.
    """
    n = pictures.shape[0]
    down, unlike, height = np.empty((n, 2, 2)), np.empty((n, 2)), np.empty(2)
    for eye in (0, 1):
        wide = eyes.wide[eye][:: -(-len(eyes.wide[eye]) // MOST_OPEN)]
        picture = np.median([_blurred(pictures[i : i + 1][0, eye]) for i in wide.tolist()], axis=0)
        open_eye = OpenEye(picture, eyes.points[eye] - eyes.origins[eye])
        if open_eye.contrast < LEAST_CONTRAST:
            return None
        height[eye] = open_eye.height
        for frames in blocks(n):
            for i, pair in enumerate(pictures[frames], start=frames.start):
                down[i, eye], unlike[i, eye] = open_eye.register(_blurred(pair[eye]))
    known = (unlike <= ALIKE) & eyes.detected[:, None]
    if known.mean(axis=0).min() < LEAST_KNOWN or known.any(axis=1).mean() < 0.5:
        return None
    return Lids(down / eyes.iod, known, height / eyes.iod)


def _blurred(picture: np.ndarray) -> np.ndarray:
    result: np.ndarray = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), BLUR_PX)
    return result
