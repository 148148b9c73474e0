"""Decodes a folder of numbered images: the frames of a recording, one per file.

The number is the last run of digits in a file's name (``img_0012.png``, ``12.jpg``), so frame 10
comes after frame 9 with or without zero padding. Files without a number, or of another kind, are
ignored.
"""

import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.files import is_regular
from fmdata.pipeline.reading.listing.kinds import IMAGES

_NUMBERED = re.compile(
    r"(?!\.).*?(\d+)\D*(?:" + "|".join(map(re.escape, IMAGES)) + ")", re.IGNORECASE | re.DOTALL
)
_PNG_END = b"IEND\xaeB\x60\x82"
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
MAX_PIXELS = 1 << 26  # of a frame, about twice 8K; a header may claim any number


def image_number(name: str) -> int | None:
    """Return the number in an image file's name, None for the name of anything else.

    >>> image_number("reg_img0042.JPG"), image_number("thumb.jpg"), image_number("42.txt")
    (42, None, None)
    """
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else None


def image_frames(folder: Path, fps: float) -> Iterator[tuple[float, Callable[[], np.ndarray]]]:
    """Yield (n / fps, function returning uint8 [H, W, 3]) for image n in order of number.

    Numbers may start anywhere and increase by any constant step, as in an evenly subsampled
    sequence. Grey images get three equal channels, transparency is ignored, 16-bit values keep
    their upper byte, and a JPEG's orientation tag is applied.

    Raises
    ------
    RecordingError
        With reason ``truncated`` when a number is missing or an image breaks off, ``unreadable``
        when two files have one number or a file is no image, ``too_large`` when an image has more
        than `MAX_PIXELS`.
    """
    for n, (_, name) in enumerate(_checked_sequence(folder)):
        yield n / fps, partial(_read, folder / name)


def _checked_sequence(folder: Path) -> list[tuple[int, str]]:
    """List (number, name) of the images, in order and evenly spaced."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - Path objects take ten times as long
    except OSError as error:
        raise _unreadable(f"the folder cannot be listed ({error.strerror})") from error
    numbered = ((image_number(name), name) for name in names)
    images = sorted((number, name) for number, name in numbered if number is not None)
    step = min((after[0] - before[0] for before, after in pairwise(images)), default=1)
    for before, after in pairwise(images):
        if before[0] == after[0]:
            raise _unreadable(f"{before[1]} and {after[1]} have the same number")
        if step > 0 and after[0] - before[0] != step:
            raise _truncated(
                f"{len(images)} images with a gap: {before[1]} is followed by {after[1]}"
            )
    return images


def _read(path: Path) -> np.ndarray:
    """Read the pixels of an image file, uint8 [H, W, 3], RGB."""
    if not is_regular(path):
        raise _unreadable(f"{path.name} is not a file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(f"{path.name} cannot be read ({error.strerror})") from error
    _check_pixels(data, path.name)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as error:
        raise _unreadable(f"{path.name}: {error.err}") from error
    if _breaks_off(data):
        raise _truncated(f"{path.name} breaks off after {len(data)} bytes")
    if bgr is None:
        raise _unreadable(f"{path.name} is not an image ({len(data)} bytes)")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _check_pixels(data: bytes, name: str) -> None:
    """Refuse an image by the size in its header, before memory is allocated for it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = Image.open(io.BytesIO(data)).size
    except Image.DecompressionBombError as error:
        raise too_large(f"{name}: {error}") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return  # no image; the decoder reports it
    if width * height > MAX_PIXELS:
        raise too_large(f"{name} claims {width}x{height} pixels, at most {MAX_PIXELS} are decoded")


def too_large(detail: str) -> RecordingError:
    """Return the error for a frame with too many pixels."""
    return RecordingError("decode", "too_large", detail)


def _breaks_off(data: bytes) -> bool:
    """Check whether a PNG or JPEG lacks its end; OpenCV would fill the rest with grey."""
    if data.startswith(b"\x89PNG"):
        return _PNG_END not in data
    if data.startswith(b"\xff\xd8"):
        # A thumbnail in the header has a scan and an end of its own, before the image's scan.
        return data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN) or _JPEG_SCAN not in data
    return False


def _unreadable(detail: str) -> RecordingError:
    return RecordingError("decode", "unreadable", detail)


def _truncated(detail: str) -> RecordingError:
    return RecordingError("decode", "truncated", detail)
