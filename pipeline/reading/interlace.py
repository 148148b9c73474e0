"""Deinterlaces a stream of decoded frames: one frame out for each frame in.

A frame of two fields shows two moments, so a moving edge is a comb. FFmpeg's filter bwdif keeps the
lines of one field and interpolates the others in space and time. Frames that are not interlaced are
passed on as they are, and a stream without interlaced frames never meets the filter.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

from fmdata.catalog.errors import RecordingError

_PROGRESSIVE = (0, 1)  # FFmpeg's AVFieldOrder: unknown, progressive
_CLOCK = Fraction(1, 90_000)  # of the filter alone: a frame's own time goes beside it


def is_interlaced(frame: Any, stream: Any) -> bool:
    """Check whether a PyAV frame, or else its whole stream, is marked as interlaced."""
    return bool(frame.interlaced_frame) or stream.codec_context.field_order not in _PROGRESSIVE


def deinterlaced(
    frames: Iterable[tuple[Any, int | None]], stream: Any
) -> Iterator[tuple[Any, int | None, bool]]:
    """Yield (frame, its time, whether it was interlaced) for each (frame, its time).

    At most three frames are held. None stands for a frame that is passed over, of a video whose
    frames are not interlaced.

    Raises
    ------
    RecordingError
        With reason ``failed`` when the filter cannot work on the frames.
    """
    filtering: _Bwdif | None = None
    for frame, ticks in frames:
        if frame is None:
            yield None, ticks, False
            continue
        interlaced = is_interlaced(frame, stream)
        if filtering is not None and not filtering.fits(frame):
            yield from filtering.rest()
            filtering = None
        if filtering is None and interlaced:
            filtering = _Bwdif(frame, every=not frame.interlaced_frame)
        if filtering is None:
            yield frame, ticks, False
        else:
            yield from filtering.push(frame, ticks, interlaced)
    if filtering is not None:
        yield from filtering.rest()


class _Bwdif:
    """The filter, for frames of one size and format; it needs the frame after each frame."""

    def __init__(self, frame: Any, *, every: bool) -> None:
        self._form = _form(frame)
        self._waiting: deque[tuple[int | None, bool]] = deque()
        self._graph = Graph()
        self._graph.threads = 1  # parallelism is by recording
        self._n = 0
        which = "all" if every else "interlaced"
        with self._errors():
            source = self._graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=_CLOCK
            )
            bwdif = self._graph.add("bwdif", f"mode=send_frame:parity=auto:deint={which}")
            self._graph.link_nodes(source, bwdif, self._graph.add("buffersink")).configure()

    def fits(self, frame: Any) -> bool:
        """Check whether a frame has the size and the format of those before it."""
        return _form(frame) == self._form

    def push(
        self, frame: Any, ticks: int | None, interlaced: bool
    ) -> Iterator[tuple[Any, int | None, bool]]:
        """Take a frame; yield those that are done."""
        self._waiting.append((ticks, interlaced))
        frame.pts, frame.time_base = self._n, _CLOCK
        self._n += 1
        with self._errors():
            self._graph.vpush(frame)
        yield from self._done()

    def rest(self) -> Iterator[tuple[Any, int | None, bool]]:
        """Yield the frames that are left."""
        with self._errors():
            self._graph.vpush(None)
        yield from self._done()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            detail = "deinterlacing {}x{} {}: {}".format(*self._form, error.strerror)
            raise RecordingError("decode", "failed", detail) from error

    def _done(self) -> Iterator[tuple[Any, int | None, bool]]:
        while True:
            try:
                frame = self._graph.vpull()
            except (BlockingIOError, av.error.EOFError):
                return
            yield frame, *self._waiting.popleft()


def _form(frame: Any) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
