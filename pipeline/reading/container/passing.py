"""Passes over the packets before a span, up to the last picture before it that stands alone.

Of a long file with many spans, a span then costs its own frames and those from a key frame on, and
not all frames before it. Promise: the frames of the span, their times and their places in the file
are those of a decoder that begins with the file. That holds where the standard says that nothing
before a picture counts for those after it: H.264 from an IDR picture on, HEVC from an IRAP picture
on, of progressive frames in an MP4 or Matroska file, whose packets state their times. In other
files nothing is passed over.
"""

import heapq
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

_FORMATS = {"mov", "matroska"}
_SETS_INSIDE = {"avc3", "hev1"}  # any packet may change what later ones are decoded by
_PROGRESSIVE = 1  # FFmpeg's AVFieldOrder
_EARLIER_S = 1e-6  # times of a table are rounded
_MAX_HELD = 1 << 23  # bytes of packets that wait for the next key frame


class LostError(Exception):
    """A frame is missing, or is interlaced, after packets were passed over."""


class Passing:
    """Decodes the packets of a video, and passes over those that a span does not need.

    Parameters
    ----------
    stream : av.VideoStream
        The video.
    start_s : float
        Beginning of the span, in seconds after the first frame of the file.
    """

    def __init__(self, stream: Any, start_s: float) -> None:
        self._codec, self._clock = stream.codec_context, stream.time_base
        self._begin_s = start_s - _EARLIER_S
        self._first: int | None = None  # time of the first frame, in ticks
        self._waiting: list[int] = []  # heap of the times of packets whose frames did not come yet
        self._held: list[Any] = []
        self._bytes = 0  # of the packets held
        self._key: int | None = None  # of the first packet held, if it is a key frame
        self._from: int | None = None  # of the key frame at which decoding began again
        self._is_over = False

    @classmethod
    def of(cls, container: Any, stream: Any, start_s: float | None) -> "Passing | None":
        """Return what passes over packets of a file, or None where all are decoded."""
        codec = stream.codec_context
        fits = (
            start_s is not None
            and not _FORMATS.isdisjoint(container.format.name.split(","))
            and codec.field_order == _PROGRESSIVE
            and codec.codec_tag not in _SETS_INSIDE
            and _length_size(codec)
        )
        return cls(stream, start_s) if fits and start_s is not None else None

    def decoded(self, packet: Any) -> Iterator[Any]:
        """Yield the frames that come with a packet, and for each one passed over its time."""
        if self._is_over:
            yield from self._checked(packet.decode())
        elif self._first is None:
            self._note(packet)
            yield from self._checked(packet.decode())
        else:
            yield from self._hold(packet)

    def rest(self) -> Iterator[Any]:
        """Yield the frames of the packets that are held when the file ends."""
        yield from self._release()

    def _hold(self, packet: Any) -> Iterator[Any]:
        self._note(packet)
        is_key = not self._is_over and packet.is_keyframe and stands_alone(packet, self._codec)
        if is_key and self._time_s(packet.pts) <= self._begin_s:
            self._held, self._bytes, self._key = [], 0, packet.pts
        self._held.append(packet)
        self._bytes += packet.size
        # Pictures shown before a key frame may follow it, so it is not the one that ends the wait.
        if self._is_over or (packet.pts != self._key and self._time_s(packet.pts) > self._begin_s):
            yield from self._release()
            self._is_over = True
        elif self._bytes > _MAX_HELD:
            yield from self._release()

    def _note(self, packet: Any) -> None:
        """Note the time of a packet; where its frame is not sure, nothing more is passed over."""
        if packet.pts is None or packet.is_discard or packet.has_sidedata("new_extradata"):
            self._is_over = True
        else:
            heapq.heappush(self._waiting, packet.pts)

    def _release(self) -> Iterator[Any]:
        """Decode what is held; yield the times of the frames passed over, and then its frames."""
        if self._key is not None:
            self._codec.flush_buffers()
            while self._waiting and self._waiting[0] < self._key:
                yield heapq.heappop(self._waiting)
            self._from, self._key = self._key, None
        held, self._held, self._bytes = self._held, [], 0
        for packet in held:
            yield from self._checked(packet.decode())

    def _checked(self, frames: Iterable[Any]) -> Iterator[Any]:
        """Yield frames; find those that are missing."""
        for frame in frames:
            if self._from is not None and frame.pts is not None and frame.pts < self._from:
                continue  # shown before the key frame, and counted
            self._check(frame)
            yield frame

    def _check(self, frame: Any) -> None:
        lost = frame.pts is None or bool(frame.interlaced_frame)
        if self._first is None:
            self._first = frame.pts
        while frame.pts is not None and self._waiting and self._waiting[0] <= frame.pts:
            lost |= heapq.heappop(self._waiting) < frame.pts
        if not lost:
            return
        self._is_over = True
        if self._from is not None:
            raise LostError

    def _time_s(self, ticks: int) -> float:
        assert self._first is not None
        return float((ticks - self._first) * Fraction(self._clock))


def stands_alone(packet: Any, codec: Any) -> bool:
    """Return whether nothing before a packet counts for the pictures that follow it."""
    size, data, at = _length_size(codec), memoryview(bytes(packet)), 0
    while 0 < size < len(data) - at:
        kind = data[at + size]
        if kind & 0x1F == 5 if codec.name == "h264" else 16 <= (kind >> 1 & 0x3F) <= 21:
            return True
        at += size + int.from_bytes(data[at : at + size])
    return False


def _length_size(codec: Any) -> int:
    """Return the number of bytes before each unit of a packet that give its length; 0: unknown."""
    head, at = codec.extradata or b"", {"h264": 4, "hevc": 21}.get(codec.name, 0)
    return (head[at] & 3) + 1 if at and len(head) > at and head[0] == 1 else 0
