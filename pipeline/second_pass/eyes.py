"""Motion of the eyelids over a clip, measured in the pixels.

The images of both eyes are recorded while the frames stream past. Then each is registered to the
image of the same eye wide open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import cv2
import numpy as np

from fmdata.catalog.printable import ArrayRepr
from fmdata.catalog.storage.npy import NpyFile
from fmdata.catalog.types import Track
from fmdata.pipeline.cropping.align import crop
from fmdata.pipeline.geometry.blocks import blocks
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.geometry.similarity import apply
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.second_pass.registration import CORNERS, LEFT, LOWER, RIGHT, UPPER, OpenEye
from fmdata.pipeline.spotting.eyelids import Lids

SIDE = 48  # of an eye's image, in pixels; the eye is a little more than half as wide
EYES_SHAPE = (2, SIDE, SIDE)  # of the images of one frame
OPEN_SHARE = 0.1  # share of the frames, those with the widest eye; small, as a wink may be long
MIN_OPEN, MAX_OPEN = 5, 101  # frames whose median is the image of the open eye
BLUR_PX = 1.0  # of the images: an edge must be wider than a step of the registration
# Residual of a registration, over the contrast of the open eye. An eye that is half closed, shut or
# hidden leaves a larger one, and its lids are then unknown.
MAX_RESIDUAL = 0.2
MIN_KNOWN = 0.1  # share of the frames, of each eye; in half of the frames one eye must be known
MIN_CONTRAST = 4.0  # grey levels; less is a bar over the eyes, or darkness


@dataclass(frozen=True, repr=False)
class Eyes(ArrayRepr):
    """Positions of the eyes in aligned crops.

    Attributes
    ----------
    points : float64 [2, 16, 2]
        The image's left and right eye, wide open, in the order of `LEFT`; in pixels of the crop.
    wide : int [2, K]
        The frames in which each eye is wide open.
    detected : bool [T]
        The frames in which the face was found.
    iod : float
        Interocular distance in pixels of the crop.
    """

    points: np.ndarray
    wide: np.ndarray
    detected: np.ndarray
    iod: float

    @property
    def origins(self) -> np.ndarray:
        """Upper left pixel of each eye's image, in pixels of the crop, float64 [2, 2]."""
        middle: np.ndarray = self.points[:, CORNERS].mean(1)
        return np.round(middle - SIDE / 2)


def find_eyes(track: Track, transforms: np.ndarray) -> Eyes:
    """Find the positions of the wide-open eyes.

    Parameters
    ----------
    track : Track
        The face in every frame, 478 points; detected in at least one frame.
    transforms : float64 [T, 2, 3]
        From pixels of the frames to pixels of aligned crops.
    """
    seen = np.flatnonzero(track.detected)
    order = np.stack([LEFT, RIGHT])
    eyes = np.empty((track.n_frames, *order.shape, 2), np.float32)
    iods = np.empty(track.n_frames)
    for frames in blocks(track.n_frames):
        points = apply(transforms[frames], track.landmarks[frames][..., :2].astype(float))
        eyes[frames], iods[frames] = points[:, order], interocular_distance(points)
    heights = np.linalg.norm(eyes[:, :, UPPER] - eyes[:, :, LOWER], axis=-1).mean(-1)[seen]
    n = min(len(seen), max(MIN_OPEN, round(OPEN_SHARE * len(seen))))
    wide = np.stack(
        [np.sort(seen[np.argsort(-heights[:, eye], kind="stable")[:n]]) for eye in (0, 1)]
    )
    points = np.stack([np.median(eyes[wide[eye], eye].astype(float), axis=0) for eye in (0, 1)])
    return Eyes(points, wide, track.detected, float(np.median(iods[seen])))


def record_eyes(
    frames: Iterable[Frame], transforms: np.ndarray, eyes: Eyes, file: IO[bytes]
) -> Iterator[Frame]:
    """Yield the frames unchanged, and write the images of their eyes, uint8 `EYES_SHAPE` each."""
    for n, frame in enumerate(frames):
        if n < len(transforms):
            for origin in eyes.origins:
                transform = transforms[n].copy()
                transform[:, 2] -= origin
                image = crop(frame.rgb, transform, SIDE)
                file.write(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).data)
        yield frame


def measure_lids(images: NpyFile, eyes: Eyes) -> Lids | None:
    """Measure the motion of the lids.

    Parameters
    ----------
    images : NpyFile
        Of :func:`record_eyes`, uint8 [T, `EYES_SHAPE`].
    eyes : Eyes
        Positions of the eyes.

    Returns
    -------
    Lids or None
        None where an eye is hardly ever visible: in the dark, behind a bar or moving hair, in a
        head that turns away.
    """
    n = images.shape[0]
    down, residual, height = np.empty((n, 2, 2)), np.empty((n, 2)), np.empty(2)
    for eye in (0, 1):
        wide = eyes.wide[eye][:: -(-len(eyes.wide[eye]) // MAX_OPEN)]
        image = np.median([_blurred(images[i : i + 1][0, eye]) for i in wide.tolist()], axis=0)
        open_eye = OpenEye(image, eyes.points[eye] - eyes.origins[eye])
        if open_eye.contrast < MIN_CONTRAST:
            return None
        height[eye] = open_eye.height
        for frames in blocks(n):
            for i, pair in enumerate(images[frames], start=frames.start):
                down[i, eye], residual[i, eye] = open_eye.register(_blurred(pair[eye]))
    known = (residual <= MAX_RESIDUAL) & eyes.detected[:, None]
    if known.mean(axis=0).min() < MIN_KNOWN or known.any(axis=1).mean() < 0.5:
        return None
    return Lids(down / eyes.iod, known, height / eyes.iod)


def _blurred(image: np.ndarray) -> np.ndarray:
    result: np.ndarray = cv2.GaussianBlur(image.astype(np.float32), (0, 0), BLUR_PX)
    return result
