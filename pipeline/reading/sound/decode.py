"""Decodes the sound of a video file: pieces with their times, as far as they can be read.

Sound is beside the pictures, which decide whether a recording is used. So damage of the sound is no
error: a damaged piece is left out, and sound ends where the file cannot be read any further.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
from av.stream import Disposition

from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.container.opening import declared_rate, opened
from fmdata.pipeline.reading.sound.clock import Clock, Piece
from fmdata.pipeline.reading.video import first_time

# Relative difference up to which a given rate is that of the file. A minute then ends 0.06 s off.
SAME_RATE = 0.001
# Samples a second; others are damage, and resampling them might take any memory.
MIN_HZ, MAX_HZ = 1000, 768_000


@contextmanager
def sound_of(recording: Recording) -> Iterator[Iterator[Piece] | None]:
    """Open the sound of a recording's file; yield its pieces in order, or None without sound.

    Of several streams it is the default one, else the first. None as well for a folder of images,
    for sound coded in an unknown way, and where the recording states another rate than its file
    has: its pictures then show at other times than the sound was heard.

    Raises
    ------
    RecordingError
        As :func:`fmdata.pipeline.reading.decode.decode` does.
    """
    if recording.path.is_dir() or not _keeps_time(recording):
        yield None
        return
    origin = first_time(recording.path)
    with opened(recording.path) as (container, _):
        stream = _main_stream(container)
        yield None if stream is None else _pieces(container, stream, Clock(origin))


def _keeps_time(recording: Recording) -> bool:
    """Return whether the frames of a recording are at the times of its file."""
    if recording.fps is None:
        return True
    rate = declared_rate(recording.path)
    return rate is not None and abs(recording.fps - rate) <= SAME_RATE * rate


def _main_stream(container: Any) -> Any:
    """Return the default stream of sound, else the first that can be decoded, else None."""
    streams = [s for s in container.streams.audio if s.codec_context is not None]
    return max(streams, key=lambda s: bool(s.disposition & Disposition.default), default=None)


def _pieces(container: Any, stream: Any, clock: Clock) -> Iterator[Piece]:
    stream.codec_context.thread_count = 1  # parallelism is by recording
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.InvalidDataError, av.error.EOFError):
            return  # it breaks off
        if packet is None:
            return
        for frame in _decoded(packet):
            if frame.samples and MIN_HZ <= frame.sample_rate <= MAX_HZ:
                yield clock.place(frame)


def _decoded(packet: Any) -> list[Any]:
    """Return the frames of a packet; of a damaged one none."""
    if packet.is_corrupt:
        return []
    try:
        return [frame for frame in packet.decode() if not frame.is_corrupt]
    except av.error.MemoryError:
        raise
    except av.FFmpegError:
        return []
