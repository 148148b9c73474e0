"""Decodes a video file with PyAV: every frame, its presentation time, and an error for any damage.

FFmpeg conceals damage and stops without an error where a file breaks off. Here both are errors,
because a concealed frame is not a true frame. The sign of a break differs by container, so all of
these are checked: packets and frames marked corrupt, errors of the decoder, the number of packets
against the container's index, and the end of the last packet against the container's duration.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.ending import break_of
from fmdata.pipeline.reading.images import MAX_PIXELS, too_large

# A playlist named .mp4 would make FFmpeg open the files and addresses in it, so only these
# containers and only local files are allowed.
_OPTIONS = {
    "format_whitelist": "mov,avi,matroska,webm,mpeg,mpegvideo,mpegts,asf,flv,ogg,gif,mxf,dv,rm,ivf,"
    "h264,hevc",
    "protocol_whitelist": "file",
    "max_pixels": str(MAX_PIXELS),  # also for the frames decoded to probe a stream
}
_STATE_DURATION = {
    "avi",
    "matroska",
    "asf",
    "flv",
    "mxf",
}  # for others FFmpeg's duration is an estimate
# Tolerance for writers that round durations, pad sound, or omit the last frame's duration.
_DURATION_SLACK_S = 0.1
_FALLBACK_RATE = Fraction(25)


def video_frames(path: Path, fps: float | None) -> Iterator[tuple[float, Callable[[], np.ndarray]]]:
    """Yield (seconds after the first frame, function returning uint8 [H, W, 3]) for each frame.

    Times increase strictly. A frame without a time, or with a time not after its predecessor's (as
    where a tape's clock restarts), is placed one nominal frame period after its predecessor.

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
            # Without it a truncated picture is filled with grey and reported as complete.
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
    """Return the frames per second stated in the file, None when there are none."""
    with _opened(path) as (_, stream):
        return float(stream.guessed_rate) if stream.guessed_rate else None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open the container and its first video stream that is not a cover picture."""
    try:
        # Absolute, because FFmpeg takes any text before a colon for a protocol. Titles are often
        # not UTF-8, and are not used here.
        container = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(f"not a video that can be opened ({error.strerror})") from error
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
        if width * height > MAX_PIXELS:
            raise too_large(
                f"frames claim {width}x{height} pixels, at most {MAX_PIXELS} are decoded"
            )
        # A stream may change its size later; only the decoder sees that before it allocates.
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container, stream


def _period(stream: Any) -> Fraction:
    """Return the nominal time from a frame to the next, in seconds."""
    return 1 / Fraction(stream.guessed_rate or _FALLBACK_RATE)


def _decoded(container: Any, stream: Any) -> Iterator[tuple[Any, int | None]]:
    """Yield (frame, its time in ticks or None) in order of presentation.

    Raises RecordingError where the file breaks off.
    """
    position = _Position()
    # AVI has times of decoding only, and FFmpeg's guesses from them are wrong with B-frames. Its
    # chunks hold one frame each, so the n-th frame displayed is at the n-th of these times.
    chunk_times: deque[int] | None = deque() if "avi" in _format_names(container) else None
    try:
        for packet in _packets(container, stream, position):
            if chunk_times is not None and packet.dts is not None:
                chunk_times.append(packet.dts)
            for frame in packet.decode():
                position.n_frames += 1
                yield frame, _ticks(frame, chunk_times)
        for frame in stream.decode(None):
            position.n_frames += 1
            yield frame, _ticks(frame, chunk_times)
    except (av.FFmpegError, OSError) as error:
        raise _decoding_error(error, stream, position.n_frames) from error
    _require_whole(container, stream, position)


@dataclass
class _Position:
    """Packets and frames read so far, and the end of the last packet in seconds."""

    n_packets: int = 0
    n_frames: int = 0
    end_s: float = 0.0


def _packets(container: Any, stream: Any, position: _Position) -> Iterator[Any]:
    """Yield the packets of the video stream."""
    # Sound is demuxed too, undecoded: a container's duration is that of all its streams.
    for packet in container.demux():
        if not packet.size:
            continue  # an empty chunk, which FFmpeg's decoders would take for the end
        position.end_s = max(position.end_s, _end_s(packet))
        if packet.stream_index != stream.index:
            continue
        if packet.is_corrupt:
            raise _truncated(
                f"packet {position.n_packets} breaks off, after {position.n_frames} frames"
            )
        position.n_packets += 1
        yield packet


def _decoding_error(error: av.FFmpegError | OSError, stream: Any, n_frames: int) -> RecordingError:
    """Return the recording's error for an error of the decoding library."""
    detail = f"{error.strerror}, after {n_frames} frames"
    if not stream.codec_context.width:  # FFmpeg clears a size that it refuses to decode
        return too_large(f"frames of no size, or of more than {MAX_PIXELS} pixels ({detail})")
    if isinstance(error, av.InvalidDataError | av.error.EOFError | BlockingIOError):
        return _truncated(detail)
    return RecordingError("decode", "failed", detail)


def _require_whole(container: Any, stream: Any, position: _Position) -> None:
    """Raise RecordingError when packets are missing at the end of the file."""
    n_indexed = sum(entry.size > 0 for entry in stream.index_entries)
    if position.n_packets < n_indexed:
        raise _truncated(f"{position.n_packets} packets, and the file's index lists {n_indexed}")
    stated_s = _stated_end_s(container, stream)
    if position.end_s < stated_s - max(_DURATION_SLACK_S, 2 * float(_period(stream))):
        raise _truncated(f"it ends at {position.end_s:.3f} s, and states {stated_s:.3f} s")
    if broken := break_of(Path(container.name), _format_names(container)):
        raise _truncated(f"{broken}, after {position.n_frames} frames")


def _ticks(frame: Any, chunk_times: deque[int] | None) -> int | None:
    """Return a frame's presentation time on the stream's clock, None if unknown."""
    if chunk_times:
        return chunk_times.popleft()
    return frame.pts if frame.pts is not None else frame.dts


def _end_s(packet: Any) -> float:
    """Return the time at which a packet's content ends, in seconds on the container's clock."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    if ticks is None:
        return 0.0
    return float((ticks + (packet.duration or 0)) * packet.time_base)


def _stated_end_s(container: Any, stream: Any) -> float:
    """Return the end of the file as the container states it, in seconds, 0 if it does not."""
    names = _format_names(container)
    if names.isdisjoint(_STATE_DURATION) or not container.duration:
        return 0.0
    # On a clock that starts at 0: writers disagree on whether to add a later start.
    end_s = container.duration / av.time_base
    if "avi" in names and stream.average_rate:
        # FFmpeg shortens a cut AVI's duration to the remaining frames; the header counts all.
        end_s = max(end_s, float(stream.frames / stream.average_rate))
    return end_s


def _format_names(container: Any) -> set[str]:
    return set(container.format.name.split(","))


def _rgb(frame: Any, time_s: float) -> np.ndarray:
    """Return the pixels of a decoded frame as displayed, uint8 [H, W, 3]."""
    if frame.is_corrupt:
        raise _truncated(f"the frame at {time_s:.3f} s is damaged")
    try:
        rgb = frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, ValueError) as error:
        detail = f"{frame.format.name} to RGB at {time_s:.3f} s: {error}"
        raise RecordingError("decode", "failed", detail) from error
    # Not `frame.side_data`: the two would reference each other, and hundreds of frames would fill
    # the memory before the garbage collector runs.
    side_data = SideDataContainer(frame)  # type: ignore[call-arg]  # not in PyAV's stubs
    return _displayed(rgb, side_data.get("DISPLAYMATRIX"))


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


def _unreadable(detail: str) -> RecordingError:
    return RecordingError("decode", "unreadable", detail)


def _truncated(detail: str) -> RecordingError:
    return RecordingError("decode", "truncated", detail)
