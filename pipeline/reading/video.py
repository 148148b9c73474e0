"""Decode a video file by PyAV: every frame, its presentation time, and faults told apart.

FFmpeg is forgiving: it conceals damage and ends quietly where a file breaks off. Here that
is an error, because a frame made up by concealment is not a true frame. What gives the break away
differs by container, so all of these are looked at: packets and frames marked corrupt, errors of
the decoder, the number of packets against the container's index, and how far the packets reach
against the duration that the container states.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.images import MOST_PIXELS, too_large

# Containers that are read at all. A playlist named .mp4 would make FFmpeg open what it lists,
# over the network too, so neither other formats nor other protocols than files are let in.
_OPTIONS = {
    "format_whitelist": "mov,avi,matroska,webm,mpeg,mpegvideo,mpegts,asf",
    "protocol_whitelist": "file",
    "max_pixels": str(MOST_PIXELS),  # also for the frames decoded to find out what a stream is
}
_STATE_DURATION = {"avi", "matroska", "asf"}  # in others FFmpeg's duration is an estimate
_DURATION_SLACK_S = 0.1  # by which writers round durations, pad sound, omit the last frame's
_FALLBACK_RATE = Fraction(25)


def video_frames(path: Path, fps: float | None) -> Iterator[tuple[float, Callable[[], np.ndarray]]]:
    """Yield (seconds after the first frame, function returning uint8 [H, W, 3]) for each frame.

    Times increase strictly. A frame without a time, or with one that is not after its
    predecessor's (as where a tape's clock restarts), stands one nominal frame period after it.

    Parameters
    ----------
    path : Path
        The video.
    fps : float or None
        If given, frame n is at ``n / fps`` and the file's times are ignored.
    """
    with _opened(path) as (container, stream):
        # One thread: parallelism is by recording, and concealment depends on threads.
        stream.codec_context.thread_count = 1
        if stream.codec_context.name == "mjpeg":
            # Else a picture that breaks off half-way is filled with grey, and said to be whole.
            stream.codec_context.options = {"err_detect": "explode"}
        period = _period(stream)
        first = last = None
        for n, (frame, ticks) in enumerate(_decoded(container, stream)):
            time = None if ticks is None else ticks * stream.time_base
            if last is not None and (time is None or time <= last):
                time = last + period
            last = time = time if time is not None else Fraction(0)
            first = time if first is None else first
            time_s = float(time - first) if fps is None else n / fps
            yield time_s, partial(_rgb, frame, time_s)


def declared_rate(path: Path) -> float | None:
    """Frames per second that the file claims; None when it claims nothing."""
    with _opened(path) as (_, stream):
        return float(stream.guessed_rate) if stream.guessed_rate else None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open container and video stream, leaving cover pictures aside."""
    try:
        # Absolute, or FFmpeg would take what stands before a colon for a protocol.
        # Titles are often in other encodings than UTF-8, and nobody reads them here.
        container = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as fault:
        raise _unreadable(f"not a video that can be opened ({fault.strerror})") from fault
    with container:
        for stream in container.streams.video:
            if not stream.disposition & av.stream.Disposition.attached_pic:
                break
        else:
            kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
            raise _unreadable(f"no video stream among its streams ({kinds})")
        if stream.codec_context is None:
            raise _unreadable("its video is coded in a way unknown to this FFmpeg")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MOST_PIXELS:
            raise too_large(
                f"frames claim {width}x{height} pixels, at most {MOST_PIXELS} are decoded"
            )
        # A stream may change its size later, which only the decoder sees in time.
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        yield container, stream


def _period(stream: Any) -> Fraction:
    """Return the nominal time from a frame to the next, in seconds."""
    return 1 / Fraction(stream.guessed_rate or _FALLBACK_RATE)


def _decoded(container: Any, stream: Any) -> Iterator[tuple[Any, int | None]]:
    """Yield (frame, its time in ticks or None) in order of presentation.

    Raises where the file breaks.
    """
    n_packets, n_frames, reach_s = 0, 0, 0.0
    # AVI has times of decoding only, and FFmpeg's guesses from them go wrong with B-frames. Its
    # chunks hold one frame each, so the n-th frame shown is at the n-th of these times.
    chunk_times: deque[int] | None = deque() if "avi" in _format_names(container) else None
    try:
        # Sound is demuxed too, undecoded: a container states the duration of all it holds.
        for packet in container.demux():
            if not packet.size:
                continue  # an empty chunk; FFmpeg's decoders would take it for the end
            reach_s = max(reach_s, _end_s(packet))
            if packet.stream_index != stream.index:
                continue
            if packet.is_corrupt:
                raise _truncated(f"packet {n_packets} breaks off, after {n_frames} frames")
            n_packets += 1
            if chunk_times is not None and packet.dts is not None:
                chunk_times.append(packet.dts)
            for frame in packet.decode():
                n_frames += 1
                yield frame, _ticks(frame, chunk_times)
        for frame in stream.decode(None):
            n_frames += 1
            yield frame, _ticks(frame, chunk_times)
    except (av.FFmpegError, OSError) as fault:
        detail = f"{fault.strerror}, after {n_frames} frames"
        if not stream.codec_context.width:  # FFmpeg forgets a size that it will not decode
            claim = f"frames of no size, or of more than {MOST_PIXELS} pixels"
            raise too_large(f"{claim} ({detail})") from fault
        if isinstance(fault, av.InvalidDataError | av.error.EOFError | BlockingIOError):
            raise _truncated(detail) from fault
        raise RecordingError("decode", "failed", detail) from fault

    n_indexed = sum(entry.size > 0 for entry in stream.index_entries)
    if n_packets < n_indexed:
        raise _truncated(f"{n_packets} packets, and the file's index lists {n_indexed}")
    stated_s = _stated_end_s(container, stream)
    if reach_s < stated_s - max(_DURATION_SLACK_S, 2 * float(_period(stream))):
        raise _truncated(f"it ends at {reach_s:.3f} s, and states {stated_s:.3f} s")


def _ticks(frame: Any, chunk_times: deque[int] | None) -> int | None:
    """Return a frame's presentation time on the stream's clock, None when it has none."""
    if chunk_times:
        return chunk_times.popleft()
    return frame.pts if frame.pts is not None else frame.dts


def _end_s(packet: Any) -> float:
    """Time at which a packet's content ends, in seconds on the container's clock."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    if ticks is None:
        return 0.0
    return float((ticks + (packet.duration or 0)) * packet.time_base)


def _stated_end_s(container: Any, stream: Any) -> float:
    """Time at which the container says that it ends, 0 when it does not say."""
    names = _format_names(container)
    if names.isdisjoint(_STATE_DURATION) or not container.duration:
        return 0.0
    # On a clock that starts at 0: writers disagree on whether a later start is to be added.
    end_s = container.duration / av.time_base
    if "avi" in names and stream.average_rate:
        # FFmpeg shortens a cut AVI's duration to what is left; its header still counts frames.
        end_s = max(end_s, float(stream.frames / stream.average_rate))
    return end_s


def _format_names(container: Any) -> set[str]:
    return set(container.format.name.split(","))


def _rgb(frame: Any, time_s: float) -> np.ndarray:
    """Pixels of a decoded frame, uint8 [H, W, 3], as they are meant to be seen."""
    if frame.is_corrupt:
        raise _truncated(f"the frame at {time_s:.3f} s is damaged")
    try:
        rgb = frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, ValueError) as fault:
        detail = f"{frame.format.name} to RGB at {time_s:.3f} s: {fault}"
        raise RecordingError("decode", "failed", detail) from fault
    # Not `frame.side_data`: the two would hold each other, and hundreds of frames fill the memory
    # before the garbage collector comes by.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # not in PyAV's stubs
    return _displayed(rgb, side_data.get("DISPLAYMATRIX"))


def _displayed(rgb: np.ndarray, matrix: Any) -> np.ndarray:
    """Apply a display matrix: x' = a x + c y, y' = b x + d y, in quarter turns and mirrorings."""
    if matrix is None:
        return rgb
    a, b, _, c, d = np.frombuffer(bytes(matrix), "=i4")[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        rgb = rgb.transpose(1, 0, 2)
        a, d = c, b
    rgb = rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(rgb)


def _unreadable(detail: str) -> RecordingError:
    return RecordingError("decode", "unreadable", detail)


def _truncated(detail: str) -> RecordingError:
    return RecordingError("decode", "truncated", detail)
