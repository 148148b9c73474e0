"""Motion JPEG in AVI: JPEGs are muxed unchanged, and each can be located again.

Promise: no frame is re-encoded, so a frame copied from one AVI to another keeps its bytes. Common
players read the files.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

CODEC = "mjpeg"
_CHUNK_HEAD = 8  # bytes before each JPEG: a name and its size
# Places in the head of a file: size of the file, number of frames (twice), size of the largest.
_WHOLE_AT, _FRAMES_AT, _LENGTH_AT, _LARGEST_AT = 4, 48, 140, 144
_KEYFRAME = 0x10
MAX_PLAIN = 1 << 30  # bytes; FFmpeg divides a larger file into several lists
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
    import av  # slow to import, and of no use to a reader

    file = str(target) if isinstance(target, Path) else target
    try:
        return _mux(file, jpegs, _rate(fps), size)
    except av.FFmpegError as error:
        plain = OSError(error.errno, error.strerror, error.filename)
    # Raised outside the except block, so that PyAV's error is not its context: that one cannot be
    # pickled on its way back from a worker process.
    raise plain


def _rate(fps: float) -> Fraction:
    return max(Fraction(fps).limit_denominator(1001), MIN_RATE)


def _mux(file: str | IO[bytes], jpegs: Iterable[bytes], rate: Fraction, size: int) -> int:
    import av

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


class Envelope(NamedTuple):
    """The bytes of an AVI before and after its chunks of frames, and where its JPEGs lie in it.

    Attributes
    ----------
    head, tail : bytes
        All before the first chunk, and all after the last.
    spans : int64 [T, 2]
        Offset and size of each JPEG.
    """

    head: bytes
    tail: bytes
    spans: np.ndarray


class Chunks:
    """The chunks of an AVI's frames: eight bytes, the JPEG, and a byte where its size is odd.

    Parameters
    ----------
    spans : int64 [T, 2]
        Offset and size of each JPEG.
    """

    def __init__(self, spans: np.ndarray) -> None:
        starts = spans[:, 0] - _CHUNK_HEAD
        stops = spans[:, 0] + spans[:, 1] + spans[:, 1] % 2
        self._gaps = (np.flatnonzero(starts[1:] != stops[:-1]) + 1).tolist()
        self._starts, self._stops = starts.tolist(), stops.tolist()

    def runs(self, start: int, stop: int) -> list[Span]:
        """Return the runs of bytes of some frames: one, unless something lies between them."""
        cuts = [start, *(gap for gap in self._gaps if start < gap < stop), stop]
        return [
            Span(self._starts[one], self._stops[other - 1] - self._starts[one])
            for one, other in pairwise(cuts)
        ]


def envelope_of(sizes: np.ndarray, *, fps: float, size: int) -> Envelope | None:
    """Return what makes an AVI of ready chunks, with the bytes of :func:`write_avi`.

    None for an AVI of more than a gigabyte, which has a more complex form.

    Parameters
    ----------
    sizes : int64 [T]
        Bytes of each JPEG.
    fps, size
        As of :func:`write_avi`.
    """
    head = bytearray(_head(_rate(fps), size))
    lengths = sizes + sizes % 2 + _CHUNK_HEAD
    ends = np.cumsum(lengths)
    n_bytes = int(ends[-1])
    if len(head) + n_bytes > MAX_PLAIN:
        return None
    starts = ends - lengths
    index = np.zeros((len(sizes), 4), "<u4")
    index[:, 0] = int.from_bytes(b"00dc", "little")
    index[:, 1] = _KEYFRAME
    index[:, 2], index[:, 3] = starts + len(b"movi"), sizes
    tail = struct.pack("<4sI", b"idx1", index.nbytes) + index.tobytes()
    whole = len(head) + n_bytes + len(tail)
    for at, value in ((_WHOLE_AT, whole - 8), (_FRAMES_AT, len(sizes)), (_LENGTH_AT, len(sizes)),
                      (_LARGEST_AT, int(sizes.max())), (len(head) - 8, n_bytes + 4)):  # fmt: skip
        struct.pack_into("<I", head, at, value)
    spans = np.stack([starts + len(head) + _CHUNK_HEAD, sizes], axis=1)
    return Envelope(bytes(head), tail, spans)


@lru_cache(maxsize=64)
def _head(rate: Fraction, size: int) -> bytes:
    """Return the bytes before the first chunk, as FFmpeg writes them for one frame."""
    file = io.BytesIO()
    _mux(file, [b"\xff\xd8\xff\xd9"], rate, size)
    data = file.getvalue()
    return data[: data.index(b"movi00dc") + len(b"movi")]


def jpeg_spans(file: IO[bytes], size: int) -> Iterator[Span]:
    """Yield the span of each JPEG in an AVI of `size` bytes at the file's current position.

    Offsets count from that position. Frames are the ``00dc`` chunks of the ``movi`` lists, which
    are searched for at the one depth at which they belong.

    Raises
    ------
    ValueError
        When a chunk does not fit the RIFF structure.
    """
    start = file.tell()
    return _chunks(file, start, (start, start + size), (b"RIFF", b"LIST"))


def _chunks(
    file: IO[bytes], origin: int, span: tuple[int, int], lists: tuple[bytes, ...]
) -> Iterator[Span]:
    """Yield the frames between two positions; `lists` are the lists to enter, from outside in."""
    position, end = span
    while position + 8 <= end:
        file.seek(position)
        header = file.read(12)
        if len(header) < 8:
            raise ValueError("an AVI that is longer than its file")
        name, length = struct.unpack("<4sI", header[:8])
        body = position + 8
        if body + length > end:
            raise ValueError(f"AVI chunk {name!r} of {length} bytes leaves the file")
        is_entered = name in lists[:1] and (name == b"RIFF" or header[8:] == b"movi")
        if is_entered:
            yield from _chunks(file, origin, (body + 4, body + length), lists[1:])
        elif name == b"00dc":
            yield Span(body - origin, length)
        position = body + length + length % 2  # chunks are padded to even lengths
