"""From frames and their transforms to the pixels of a clip: crops, LBP maps, JPEGs, one AVI."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.avi import decode_jpeg, write_avi
from fmdata.catalog.types import ArrayRepr
from fmdata.pipeline.cropping.align import crop
from fmdata.pipeline.cropping.lbp import grey, lbp
from fmdata.pipeline.geometry.blocks import npy_writer
from fmdata.pipeline.reading.decode import Frame, other_frames
from fmdata.pipeline.settings import BuildSettings


@dataclass(frozen=True, repr=False)
class Encoded(ArrayRepr):
    """What encoding found out about the frames it wrote.

    Attributes
    ----------
    change : float32 [T]
        Mean absolute difference of each frame's pixels to those of the frame before, as they are
        after JPEG (0 to 255; 0 for the first): the yardstick of a compound's seam.
    """

    change: np.ndarray


def encode(
    frames: Iterable[Frame],
    transforms: np.ndarray,
    *,
    fps: float,
    settings: BuildSettings,
    avi: Path,
    lbp_maps: Path | None,
) -> Encoded:
    """Write a clip's AVI and LBP maps, frame by frame.

    Parameters
    ----------
    frames : iterable of Frame
        The recording's frames, consumed one at a time.
    transforms : float32 [T, 2, 3]
        From pixels of the source frame to pixels of the crop.
    fps : float
        Frame rate of the clip.
    settings : BuildSettings
        Size and JPEG quality.
    avi : Path
        Where the AVI goes.
    lbp_maps : Path or None
        Where the LBP maps go (npy, uint8 [T, S, S]); None for none.

    Raises
    ------
    RecordingError
        When the recording does not give as many frames as there are transforms.
    """
    n, size = len(transforms), settings.size
    change = np.zeros(n, np.float32)

    def jpegs(maps: IO[bytes] | None) -> Iterator[bytes]:
        before = None
        for frame in frames:
            if frame.index >= n:
                raise other_frames(n, f"more than {n}")
            pixels = crop(frame.rgb, transforms[frame.index], size)
            if maps is not None:
                maps.write(lbp(grey(pixels)).tobytes())
            jpeg = encode_jpeg(pixels, settings.jpeg_quality)
            shown = decode_jpeg(jpeg)
            if before is not None:
                change[frame.index] = frame_difference(before, shown)
            before = shown
            yield jpeg

    shape, dtype = (n, size, size), np.dtype(np.uint8)
    with npy_writer(lbp_maps, dtype, shape) if lbp_maps else nullcontext() as maps:
        written = write_avi(avi, jpegs(maps), fps=fps, size=size)
    if written != n:
        raise other_frames(n, str(written))
    return Encoded(change)


def encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Return the JPEG of an RGB image, uint8 [H, W, 3]."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RecordingError("encode", "failed", f"no JPEG of an image of shape {rgb.shape}")
    return bytes(data)


def frame_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two images of the same shape, uint8, 0 to 255."""
    return float(cv2.absdiff(one, other).mean())
