"""Decoding of JPEGs, each checked first for what it claims to be."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fmdata.catalog.storage.card import MAX_SIZE

# Bytes of one JPEG: noise at full quality has fewer.
_MAX_BYTES_PER_PIXEL, _MAX_HEADER = 8, 1 << 16
_NO_LENGTH = (0x01, *range(0xD0, 0xD9))  # markers that no length follows
_SIZES = tuple(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})  # markers of a frame's size
_HEAD = 192  # bytes of a JPEG, in which its size is usually stated


def decode_jpegs(
    data: bytes,
    spans: Sequence[Sequence[int]],
    size: int,
    into: np.ndarray,
    places: Iterable[int],
) -> None:
    """Decode many JPEGs of one size, with the checks of :func:`decode_jpeg`.

    Parameters
    ----------
    data, spans
        The bytes of all JPEGs; where in them each begins, and its number of bytes.
    size : int
        Width and height in pixels.
    into, places
        The array that receives the pixels, uint8 [N, S, S, 3], RGB; where in it each is put.
    """
    import cv2

    pixels, most, known = np.frombuffer(data, np.uint8), max_jpeg_bytes(size), None
    decode, colour = cv2.imdecode, cv2.IMREAD_COLOR_RGB
    try:
        for place, (at, n_bytes) in zip(places, spans, strict=True):
            head = data[at : at + min(_HEAD, n_bytes)]
            if head != known or n_bytes > most:
                into[place] = decode_jpeg(data[at : at + n_bytes], size)
                known = head if _states_size(head) else None
                continue
            # Frames of a clip begin alike, and one of them was found to have the size.
            rgb = decode(pixels[at : at + n_bytes], colour)
            if rgb is None:
                raise _no_jpeg(n_bytes)
            into[place] = rgb
    except cv2.error as error:
        raise _broken(error) from error


def decode_jpeg(jpeg: bytes, size: int | None = None) -> np.ndarray:
    """Decode one JPEG to pixels, uint8 [H, W, 3], RGB.

    The size in its header is checked first, so that no JPEG takes more memory than its pixels.

    Parameters
    ----------
    jpeg : bytes
        The JPEG.
    size : int, optional
        Its width and height in pixels; by default any up to the largest of a crop.

    Raises
    ------
    ValueError
        When the bytes are not a JPEG, or one of another size.
    """
    import cv2

    width, height = _size_in_header(jpeg)
    if size is not None and (width, height) != (size, size):
        raise ValueError(f"{width} × {height} pixels, wanted {size} × {size}")
    if not 0 < width <= MAX_SIZE or not 0 < height <= MAX_SIZE:
        raise ValueError(f"{width} × {height} pixels, at most {MAX_SIZE} × {MAX_SIZE} are decoded")
    if len(jpeg) > max_jpeg_bytes(max(width, height)):
        raise ValueError(f"{len(jpeg)} bytes for {width} × {height} pixels")
    try:
        rgb = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise _broken(error) from error
    if rgb is None:
        raise _no_jpeg(len(jpeg))
    return rgb


def max_jpeg_bytes(size: int) -> int:
    """Return the largest number of bytes of a JPEG of `size` × `size` pixels."""
    return _MAX_HEADER + _MAX_BYTES_PER_PIXEL * size**2


def _size_in_header(jpeg: bytes) -> tuple[int, int]:
    """Return the width and height that a JPEG's header states, in pixels."""
    at = 2 if jpeg.startswith(b"\xff\xd8") else len(jpeg)
    while jpeg[at : at + 1] == b"\xff" and at + 9 <= len(jpeg):
        marker = jpeg[at + 1]
        if marker in _SIZES:
            height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
            return width, height
        if marker in (0xD9, 0xDA):
            break  # its pixels begin, or it ends
        at += 1  # of several 0xff before a marker, one is skipped
        if marker != 0xFF:
            at += 1 if marker in _NO_LENGTH else 1 + max(2, int.from_bytes(jpeg[at + 1 : at + 3]))
    raise _no_jpeg(len(jpeg))


def _states_size(head: bytes) -> bool:
    """Return whether the first bytes of a JPEG state its size."""
    try:
        return bool(_size_in_header(head))
    except ValueError:
        return False


def _no_jpeg(n_bytes: int) -> ValueError:
    return ValueError(f"{n_bytes} bytes that are not a JPEG")


def _broken(error: Any) -> ValueError:
    return ValueError(f"a JPEG that cannot be decoded: {error.err}")
