"""From frames and their transforms to the files of a clip: an AVI of JPEG crops, and LBP maps."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.jpeg import decode_jpeg
from fmdata.catalog.storage.npy import npy_writer
from fmdata.pipeline.cropping.align import crop
from fmdata.pipeline.cropping.difference import frame_difference
from fmdata.pipeline.cropping.lbp import grey, lbp
from fmdata.pipeline.reading.decode import Frame, frame_count_error


def encode(
    frames: Iterable[Frame],
    transforms: np.ndarray,
    *,
    fps: float,
    size: int,
    jpeg_quality: int,
    avi: Path,
    lbp_maps: Path | None,
) -> np.ndarray:
    """Write a clip's AVI and LBP maps, one frame at a time.

    `transforms`, float32 [T, 2, 3], map pixels of the source frames to pixels of the crops, which
    are `size` pixels wide. The LBP maps are an npy file, uint8 [T, S, S]; with None there are none.

    Returns
    -------
    float32 [T]
        Mean absolute difference, 0 to 255, of each decoded JPEG to the one before; 0 for the
        first. The seams of a compound are compared with it.

    Raises
    ------
    RecordingError
        When the number of frames differs from the number of transforms.
    """
    n = len(transforms)
    shape, dtype = (n, size, size), np.dtype(np.uint8)
    change = np.zeros(n, np.float32)
    with npy_writer(lbp_maps, dtype, shape) if lbp_maps else nullcontext() as maps:
        crops = _crops(frames, transforms, size, maps)
        written = write_avi(avi, _jpegs(crops, jpeg_quality, change), fps=fps, size=size)
    if written != n:
        raise frame_count_error(n, str(written))
    return change


def _crops(
    frames: Iterable[Frame], transforms: np.ndarray, size: int, maps: IO[bytes] | None
) -> Iterator[np.ndarray]:
    """Yield the crop of each frame; write its LBP map to `maps`."""
    n = len(transforms)
    for frame in frames:
        if frame.index >= n:
            raise frame_count_error(n, f"more than {n}")
        pixels = crop(frame.rgb, transforms[frame.index], size, frame.corner)
        if maps is not None:
            maps.write(lbp(grey(pixels)).tobytes())
        yield pixels


def _jpegs(crops: Iterable[np.ndarray], quality: int, change: np.ndarray) -> Iterator[bytes]:
    """Yield the JPEG of each crop; write its difference to the one before to `change`."""
    before = None
    for i, pixels in enumerate(crops):
        jpeg = encode_jpeg(pixels, quality)
        decoded = decode_jpeg(jpeg)
        if before is not None:
            change[i] = frame_difference(before, decoded)
        before = decoded
        yield jpeg


def encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Return the JPEG of an RGB image, uint8 [H, W, 3]."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RecordingError("encode", "failed", f"no JPEG of an image of shape {rgb.shape}")
    return bytes(data)
