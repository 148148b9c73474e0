"""Checks that a video file is whole: that no packet is missing at its end, and none it begins with.

A decoder passes over pictures in silence that need one before the first packet. A file that begins
with such pictures is refused. One that begins with a key frame is not: of an open group the
pictures before that frame, and in a stream that is refreshed bit by bit those up to its recovery
point, are left out, and the clip begins after them. The sign of a break at the end differs by
container, so two numbers are checked: the packets against the container's index, and the end of the
last packet against the container's duration. Empty chunks of an AVI, each of which repeats the
picture before it, are no packets; at the end of the file they count for the time that they fill.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.video.frame import PictureType

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.ending import break_of

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
_INDEX_ENTRY = struct.Struct("<4sIII")  # stream and kind, flags, position, size
_MAX_INDEX_BYTES = 1 << 26  # four million chunks


@dataclass
class Position:
    """Packets and frames read so far, and the end of the last packet in seconds.

    Of the video stream, `before_key` counts the packets before the first that stands alone, and
    `first_ticks` is the earliest time of a packet, None while there is none.
    """

    n_packets: int = 0
    n_frames: int = 0
    end_s: float = 0.0
    before_key: int = 0
    first_ticks: int | None = None
    has_key: bool = False

    def add_video(self, packet: Any) -> None:
        """Note a packet of the video stream that goes to the decoder."""
        self.n_packets += 1
        self.has_key = self.has_key or packet.is_keyframe
        self.before_key += not self.has_key
        if packet.pts is not None:
            known = packet.pts if self.first_ticks is None else self.first_ticks
            self.first_ticks = min(known, packet.pts)

    def add(self, packet: Any) -> None:
        """Note the end of a packet of any stream."""
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is not None:
            end_s = float((ticks + (packet.duration or 0)) * packet.time_base)
            self.end_s = max(self.end_s, end_s)


def period_of(stream: Any) -> Fraction:
    """Return the nominal time from a frame to the next, in seconds."""
    return 1 / Fraction(stream.guessed_rate or _FALLBACK_RATE)


def is_avi(container: Any) -> bool:
    """Check whether a container is an AVI."""
    return "avi" in _format_names(container)


def require_beginning(position: Position, frame: Any) -> None:
    """Raise RecordingError when the first `frame` lacks pictures before it, or the one it needs."""
    if not position.before_key:
        return
    first, alone = position.first_ticks, (PictureType.NONE, PictureType.I)
    passed_over = frame.pts is not None and first is not None and frame.pts > first
    if passed_over or frame.pict_type not in alone:
        raise _beginning_lost(position)


def _beginning_lost(position: Position) -> RecordingError:
    some = f"{position.before_key} pictures" if position.has_key else "pictures"
    return truncated(
        f"its first {some} need one that the file has lost; cut it at a picture that stands alone "
        "(a key frame), or encode it again"
    )


def require_whole(container: Any, stream: Any, position: Position) -> None:
    """Raise RecordingError (``truncated``) when packets are missing at the end of the file."""
    if position.before_key and position.n_frames < position.n_packets:
        raise _beginning_lost(position)
    n_indexed = sum(entry.size > 0 for entry in stream.index_entries)
    if position.n_packets < n_indexed:
        raise truncated(f"{position.n_packets} packets, and the file's index lists {n_indexed}")
    period_s = float(period_of(stream))
    stated_s = _stated_end_s(container, stream)
    slack_s = max(_DURATION_SLACK_S, 2 * period_s)
    if broken := break_of(Path(container.name), _format_names(container)):
        raise truncated(f"{broken}, after {position.n_frames} frames")
    if position.end_s >= stated_s - slack_s:
        return
    repeats = _empty_chunks_at_the_end(Path(container.name), stream) if is_avi(container) else 0
    if position.end_s + repeats * period_s < stated_s - slack_s:
        raise truncated(f"it ends at {position.end_s:.3f} s, and states {stated_s:.3f} s")


def truncated(detail: str) -> RecordingError:
    """Return the error for a file that breaks off, or lacks what its first pictures need."""
    return RecordingError("decode", "truncated", detail)


def _stated_end_s(container: Any, stream: Any) -> float:
    """Return the end of the file as the container states it, in seconds, 0 if it does not."""
    if _format_names(container).isdisjoint(_STATE_DURATION) or not container.duration:
        return 0.0
    # On a clock that starts at 0: writers disagree on whether to add a later start.
    end_s = container.duration / av.time_base
    if is_avi(container) and stream.average_rate:
        # FFmpeg shortens a cut AVI's duration to the remaining frames; the header counts all.
        end_s = max(end_s, float(stream.frames / stream.average_rate))
    return end_s


def _empty_chunks_at_the_end(path: Path, stream: Any) -> int:
    """Count the last chunks of an AVI's stream that are empty; FFmpeg does not show them."""
    with path.open("rb") as file:
        index = next((size for name, size in _top_chunks(file) if name == b"idx1"), 0)
        data = file.read(min(index, _MAX_INDEX_BYTES))
    entries = _INDEX_ENTRY.iter_unpack(data[: len(data) // _INDEX_ENTRY.size * _INDEX_ENTRY.size])
    repeats = 0
    for tag, _, _, size in entries:
        if tag[:2] == b"%02d" % stream.index:
            repeats = 0 if size else repeats + 1
    return repeats


def _top_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield name and size of the chunks of an AVI's first RIFF; the file stands at the content."""
    at = 12
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], size
        at += 8 + size + size % 2


def _format_names(container: Any) -> set[str]:
    return set(container.format.name.split(","))
