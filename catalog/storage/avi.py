"""Motion JPEG in AVI: JPEGs are muxed unchanged, and each can be located again.

Promise: no frame is re-encoded, so a frame copied from one AVI to another keeps its bytes. Common
players read the files.
"""

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, NamedTuple

import av
import numpy as np

CODEC = "mjpeg"
MIN_RATE = Fraction(1, 1001)  # frames per second; the container cannot store less


class Span(NamedTuple):
    """A run of bytes: offset of its first byte, and size."""

    offset: int
    size: int


def write_avi(target: Path | IO[bytes], jpegs: Iterable[bytes], *, fps: float, size: int) -> int:
    """Mux JPEG frames into an AVI file.

    Parameters
    ----------
    target : Path or binary file
        Path or open file to write to.
    jpegs : iterable of bytes
        One JPEG per frame, each `size` × `size` pixels.
    fps : float
        Frames per second.
    size : int
        Width and height in pixels.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    file = str(target) if isinstance(target, Path) else target
    try:
        return _mux(file, jpegs, max(Fraction(fps).limit_denominator(1001), MIN_RATE), size)
    except av.FFmpegError as error:
        plain = OSError(error.errno, error.strerror, error.filename)
    # Raised outside the except block, so that PyAV's error is not its context: that one cannot be
    # pickled on its way back from a worker process.
    raise plain


def _mux(file: str | IO[bytes], jpegs: Iterable[bytes], rate: Fraction, size: int) -> int:
    tick = 1 / rate
    # bitexact keeps the muxer's version out of the file, so every run gives the same bytes.
    with av.open(file, "w", format="avi", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(CODEC, rate=rate)
        stream.width = stream.height = size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = tick
        count = 0
        for count, jpeg in enumerate(jpegs, start=1):
            packet = av.Packet(jpeg)
            packet.stream = stream
            packet.time_base = tick
            packet.pts = packet.dts = count - 1
            packet.duration = 1
            packet.is_keyframe = True
            container.mux(packet)
    return count


def jpeg_spans(file: IO[bytes], size: int) -> list[Span]:
    """Return the span of each JPEG in an AVI of `size` bytes at the file's current position.

    Offsets count from that position. Frames are the ``00dc`` chunks of the ``movi`` lists.

    Raises
    ------
    ValueError
        When a chunk does not fit the RIFF structure.
    """
    start = file.tell()
    return list(_chunks(file, start, start, start + size))


def _chunks(file: IO[bytes], origin: int, position: int, end: int) -> Iterable[Span]:
    while position + 8 <= end:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        body = position + 8
        if body + length > end:
            raise ValueError(f"AVI chunk {name!r} of {length} bytes leaves the file")
        if name == b"RIFF" or (name == b"LIST" and file.read(4) == b"movi"):
            yield from _chunks(file, origin, body + 4, body + length)
        elif name == b"00dc":
            yield Span(body - origin, length)
        position = body + length + length % 2  # chunks are padded to even lengths


def decode_jpeg(jpeg: bytes) -> np.ndarray:
    """Decode one JPEG to pixels, uint8 [H, W, 3], RGB.

    Raises
    ------
    ValueError
        When the bytes are not a JPEG.
    """
    import cv2

    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{len(jpeg)} bytes that are not a JPEG")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
