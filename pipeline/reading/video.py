"""Decodes a video file with PyAV: every frame, its presentation time, and an error for any damage.

FFmpeg conceals damage and stops without an error where a file breaks off. Here both are errors,
because a concealed frame is not a true frame. Checked are packets and frames marked corrupt, errors
of the decoder, and the end of the file (:mod:`fmdata.pipeline.reading.whole`).
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import VideoReformatter

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Picture
from fmdata.pipeline.reading.colour import primaries_of, rgb_of, transfer_of
from fmdata.pipeline.reading.container.opening import opened, unreadable
from fmdata.pipeline.reading.container.passing import LostError, Passing
from fmdata.pipeline.reading.images import MAX_PIXELS, LazyFrame, too_large
from fmdata.pipeline.reading.interlace import deinterlaced
from fmdata.pipeline.reading.whole import (
    Position,
    is_avi,
    period_of,
    require_beginning,
    require_whole,
    truncated,
)

_MAX_PIXEL_SHAPE = 4  # no format has pixels longer than that; a larger ratio is damage
_SQUARE = 0.01  # relative difference up to which pixels count as square


def video_frames(
    path: Path, fps: float | None, start_s: float | None = None
) -> Iterator[LazyFrame]:
    """Yield every frame of the video, interlaced ones deinterlaced.

    Times increase strictly. A frame without a time, or with a time not after its predecessor's (as
    where a tape's clock restarts), is placed one nominal frame period after its predecessor.

    Parameters
    ----------
    path : Path
        The video.
    fps : float or None
        If given, frame n is at ``n / fps`` and the file's times are ignored.
    start_s : float, optional
        Beginning of a span: frames before it may have no pixels. By the file's own times.
    """
    n = 0
    try:
        for n, frame in enumerate(_frames(path, fps, start_s), 1):  # noqa: B007
            yield frame
    except LostError:
        yield from islice(_frames(path, fps, None), n, None)


def _frames(path: Path, fps: float | None, start_s: float | None) -> Iterator[LazyFrame]:
    with opened(path) as (container, stream):
        # One thread: parallelism is by recording, and concealment depends on threads.
        stream.codec_context.thread_count = 1
        if stream.codec_context.name == "mjpeg":
            # Without it a truncated picture is filled with grey and reported as complete.
            stream.codec_context.options = {"err_detect": "explode"}
        period, shape = period_of(stream), _pixel_shape(stream)
        first = last = None
        reformatter = VideoReformatter()
        passing = Passing.of(container, stream, start_s if fps is None else None)
        frames = deinterlaced(_decoded(container, stream, passing), stream)
        for n, (frame, ticks, interlaced) in enumerate(frames):
            time = None if ticks is None else ticks * stream.time_base
            if last is not None and (time is None or time <= last):
                time = last + period
            last = time = time if time is not None else Fraction(0)
            first = time if first is None else first
            time_s = float(time - first) if fps is None else n / fps
            if frame is None:
                yield LazyFrame(time_s, _passed_over)
                continue
            picture = Picture(transfer_of(frame), primaries_of(frame), interlaced, float(shape))
            yield LazyFrame(time_s, partial(_rgb, frame, time_s, shape, reformatter), picture)


def first_time(path: Path) -> Fraction:
    """Return the time of a video's first frame on the file's own clock, in seconds.

    Raises
    ------
    RecordingError
        When the file cannot be opened, or breaks off before that frame.
    """
    with opened(path) as (container, stream):
        stream.codec_context.thread_count = 1
        _, ticks = next(_decoded(container, stream), (None, None))
        return Fraction(0) if ticks is None else ticks * stream.time_base


def _pixel_shape(stream: Any) -> Fraction:
    """Return the width of the stream's pixels over their height, 1 if it states none."""
    shape = stream.sample_aspect_ratio or Fraction(1)
    if not 1 / _MAX_PIXEL_SHAPE <= shape <= _MAX_PIXEL_SHAPE:
        raise unreadable(
            f"its pixels claim a shape of {shape.numerator}:{shape.denominator}, "
            f"at most {_MAX_PIXEL_SHAPE}:1 is read"
        )
    return Fraction(shape)


def _decoded(
    container: Any, stream: Any, passing: Passing | None = None
) -> Iterator[tuple[Any, int | None]]:
    """Yield (frame, its time in ticks or None) in order of presentation.

    A frame that is passed over is None. Raises RecordingError where the file breaks off.
    """
    position = Position()
    # AVI has times of decoding only, and FFmpeg's guesses from them are wrong with B-frames. Its
    # chunks hold one frame each, so the n-th frame displayed is at the n-th of these times.
    chunk_times: deque[int] | None = deque() if is_avi(container) else None
    try:
        for packet in _packets(container, stream, position):
            if chunk_times is not None and packet.dts is not None:
                chunk_times.append(packet.dts)
            for frame in passing.decoded(packet) if passing else packet.decode():
                yield _counted(frame, position, chunk_times)
        for frame in passing.rest() if passing else ():
            yield _counted(frame, position, chunk_times)
        for frame in stream.decode(None):
            yield _counted(frame, position, chunk_times)
    except (av.FFmpegError, OSError) as error:
        raise _decoding_error(error, stream, position.n_frames) from error
    require_whole(container, stream, position)


def _packets(container: Any, stream: Any, position: Position) -> Iterator[Any]:
    """Yield the packets of the video stream."""
    # Sound is demuxed too, undecoded: a container's duration is that of all its streams.
    for packet in container.demux():
        position.add(packet)
        # An empty chunk repeats the picture before it, which so lasts longer: it is no frame.
        # FFmpeg's decoders would take it for the end.
        if not packet.size:
            continue
        if packet.stream_index != stream.index:
            continue
        if packet.is_corrupt:
            raise truncated(
                f"packet {position.n_packets} breaks off, after {position.n_frames} frames"
            )
        position.add_video(packet)
        yield packet


def _counted(
    frame: Any, position: Position, chunk_times: deque[int] | None
) -> tuple[Any, int | None]:
    """Return a frame and its time in ticks, None if unknown; count it."""
    position.n_frames += 1
    if isinstance(frame, int):  # the time of one that is passed over
        return None, frame
    if position.n_frames == 1:
        require_beginning(position, frame)
    return frame, _ticks(frame, chunk_times)


def _decoding_error(error: av.FFmpegError | OSError, stream: Any, n_frames: int) -> RecordingError:
    """Return the recording's error for an error of the decoding library."""
    detail = f"{error.strerror}, after {n_frames} frames"
    if not stream.codec_context.width:  # FFmpeg clears a size that it refuses to decode
        return too_large(f"frames of no size, or of more than {MAX_PIXELS} pixels ({detail})")
    if isinstance(error, av.InvalidDataError | av.error.EOFError | BlockingIOError):
        return truncated(detail)
    return RecordingError("decode", "failed", detail)


def _ticks(frame: Any, chunk_times: deque[int] | None) -> int | None:
    """Return a frame's presentation time on the stream's clock, None if unknown."""
    if chunk_times:
        return chunk_times.popleft()
    return frame.pts if frame.pts is not None else frame.dts


def _rgb(frame: Any, time_s: float, shape: Fraction, reformatter: VideoReformatter) -> np.ndarray:
    """Return the pixels of a decoded frame as displayed, uint8 [H, W, 3]."""
    if frame.is_corrupt:
        raise truncated(f"the frame at {time_s:.3f} s is damaged")
    try:
        rgb = rgb_of(frame, reformatter)
    except (av.FFmpegError, ValueError) as error:
        detail = f"{frame.format.name} to RGB at {time_s:.3f} s: {error}"
        raise RecordingError("decode", "failed", detail) from error
    # Not `frame.side_data`: the two would reference each other, and hundreds of frames would fill
    # the memory before the garbage collector runs.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # not in PyAV's stubs
    return _displayed(_square(rgb, shape), side_data.get("DISPLAYMATRIX"))


def _square(rgb: np.ndarray, shape: Fraction) -> np.ndarray:
    """Resample a frame to square pixels; the shorter side grows, so that no detail is lost."""
    if abs(shape - 1) <= _SQUARE:
        return rgb
    height, width = rgb.shape[:2]
    size = round(width * max(shape, 1)), round(height / min(shape, 1))
    if size[0] * size[1] > MAX_PIXELS:
        raise too_large(f"{size[0]}x{size[1]} square pixels, at most {MAX_PIXELS} are decoded")
    return cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)


def _displayed(rgb: np.ndarray, matrix: Any) -> np.ndarray:
    """Apply a display matrix of quarter turns and mirrorings: x' = a x + c y, y' = b x + d y."""
    if matrix is None:
        return rgb
    a, b, _, c, d = np.frombuffer(bytes(matrix), "=i4")[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        rgb = rgb.transpose(1, 0, 2)
        a, d = c, b
    rgb = rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(rgb)


def _passed_over() -> np.ndarray:
    raise AssertionError("the pixels of a frame before the span")
