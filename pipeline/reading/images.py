"""Decodes a folder of numbered images: the frames of a recording, one per file.

The number is the last run of digits in a file's name (``img_0012.png``, ``12.jpg``), so frame 10
comes after frame 9 with or without zero padding. Files without a number, or of another kind, are
ignored.
"""

import io
import os
import re
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.files import is_regular
from fmdata.catalog.types import Picture
from fmdata.pipeline.reading.listing.kinds import IMAGES

_NUMBERED = re.compile(
    r"(?!\.).*?(\d+)\D*(?:" + "|".join(map(re.escape, IMAGES)) + ")", re.IGNORECASE | re.DOTALL
)
_PNG_END = b"IEND\xaeB\x60\x82"
_DEPTHS = (8, 10, 12, 14, 16)  # bits of a camera's values, which often lie in 16-bit files
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_ANY_COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP")
MAX_BYTES = 1 << 29  # of a file, that of MAX_PIXELS of 16 bits, not compressed
MAX_PIXELS = 1 << 26  # of a frame, about twice 8K; a header may claim any number


def image_number(name: str) -> int | None:
    """Return the number in an image file's name, None for the name of anything else.

    >>> image_number("reg_img0042.JPG"), image_number("thumb.jpg"), image_number("42.txt")
    (42, None, None)
    """
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else None


@dataclass(frozen=True)
class LazyFrame:
    """A frame whose pixels are converted only on request.

    Attributes
    ----------
    time_s : float
        Seconds after the first frame.
    pixels : function returning uint8 [H, W, 3]
        Pixels as displayed.
    picture : Picture
        Form of the frame in its file.
    """

    time_s: float
    pixels: Callable[[], np.ndarray]
    picture: Picture = field(default_factory=Picture)


def image_frames(folder: Path, fps: float) -> Iterator[LazyFrame]:
    """Yield the images in order of number, image n at n / fps.

    Numbers may start anywhere and increase by any constant step, as in an evenly subsampled
    sequence. Grey images get three equal channels, transparency is ignored, and an orientation
    tag is applied. Values of more than 8 bits keep the upper 8 of those bits that the folder's
    largest value takes (8, 10, 12, 14 or 16).

    Raises
    ------
    RecordingError
        With reason ``truncated`` when a number is missing or an image breaks off, ``unreadable``
        when two files have one number or a file is no image, ``too_large`` when an image has more
        than `MAX_PIXELS`.
    """
    paths = [folder / name for _, name in _checked_sequence(folder)]
    depth = _Depth(paths)
    for n, path in enumerate(paths):
        yield LazyFrame(n / fps, partial(_read, path, depth))


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


class _Depth:
    """The number of bits in use by the 16-bit images of a folder."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    @cached_property
    def bits(self) -> int:
        """Smallest of `_DEPTHS` that holds the largest value; it takes a reading of the images."""
        used = _DEPTHS[0]
        for path in self._paths:
            with suppress(RecordingError):  # an unusable image is reported where it is a frame
                used = max(used, int(_decoded(path).max()).bit_length())
            if used > _DEPTHS[-2]:
                break
        return min(depth for depth in _DEPTHS if depth >= used)


def _read(path: Path, depth: _Depth) -> np.ndarray:
    """Read the pixels of an image file, uint8 [H, W, 3], RGB."""
    rgb = _decoded(path)
    if rgb.dtype == np.uint8:
        return rgb
    return (rgb >> (depth.bits - 8)).astype(np.uint8)


def _decoded(path: Path) -> np.ndarray:
    """Decode an image file, uint8 or uint16 [H, W, 3], RGB."""
    if not is_regular(path):
        raise _unreadable(f"{path.name} is not a file")
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise too_large(f"{path.name} has {size} bytes, at most {MAX_BYTES} are read")
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(f"{path.name} cannot be read ({error.strerror})") from error
    is_image = _check_pixels(data, path.name)
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), _ANY_COLOUR) if is_image else None
    except cv2.error as error:
        raise _unreadable(f"{path.name}: {error.err}") from error
    if _breaks_off(data):
        raise _truncated(f"{path.name} breaks off after {len(data)} bytes")
    if bgr is None:
        raise _unreadable(f"{path.name} is not an image that can be read ({len(data)} bytes)")
    if bgr.dtype not in (np.uint8, np.uint16):
        raise _unreadable(f"{path.name} has values of type {bgr.dtype}, not of 8 or 16 bits")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _check_pixels(data: bytes, name: str) -> bool:
    """Refuse an image by the size in its header, before memory is allocated for it.

    False where there is no such header. Then nothing is decoded: OpenCV knows more formats, and
    looks at the content alone.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = Image.open(io.BytesIO(data), formats=_FORMATS).size
    except Image.DecompressionBombError as error:
        raise too_large(f"{name}: {error}") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error):
        return False
    if width * height > MAX_PIXELS:
        raise too_large(f"{name} claims {width}x{height} pixels, at most {MAX_PIXELS} are decoded")
    return True


def too_large(detail: str) -> RecordingError:
    """Return the error for a frame with too many pixels."""
    return RecordingError("decode", "too_large", detail)


def _breaks_off(data: bytes) -> bool:
    """Check whether an image lacks its end; OpenCV would fill that of a PNG or JPEG with grey."""
    if data.startswith(b"\x89PNG"):
        return _PNG_END not in data
    if data.startswith(b"\xff\xd8"):
        # A thumbnail in the header has a scan and an end of its own, before the image's scan.
        return data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN) or _JPEG_SCAN not in data
    if data.startswith(b"BM"):
        return len(data) < int.from_bytes(data[2:6], "little")
    if data.startswith(b"RIFF"):  # WebP
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return False


def _unreadable(detail: str) -> RecordingError:
    return RecordingError("decode", "unreadable", detail)


def _truncated(detail: str) -> RecordingError:
    return RecordingError("decode", "truncated", detail)
