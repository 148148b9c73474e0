"""The end of a video file by its format, for formats whose index states no end.

FFmpeg stops without an error where these break off. Formats that state their duration, or an index
of their packets, are checked by :mod:`fmdata.pipeline.reading.whole`.
"""

from collections.abc import Set
from pathlib import Path

_TAIL = 70_000  # bytes; an Ogg page has at most 65,307
_TS_PACKETS = (188, 192, 204)  # bytes: plain, with a time before each, with a checksum after each
_OGG_LAST_PAGE = 0x04
_OGG_HEADER = 27  # bytes before a page's table of segments


def break_of(path: Path, formats: Set[str]) -> str | None:
    """Return a description of the place where a file breaks off; None where it seems whole.

    `formats` holds FFmpeg's names of the file's container.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(2 * max(_TS_PACKETS))
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    if "gif" in formats and not tail.rstrip(b"\0").endswith(b";"):
        return "it has no end mark"
    if "mpegts" in formats and (within := _within_packet(head, size)):
        return f"it ends {within} bytes into a packet"
    if "ogg" in formats and not _ends_with_last_page(tail):
        return "its last page is missing or incomplete"
    return None


def _within_packet(head: bytes, size: int) -> int:
    """Return the number of bytes after the last whole packet of a transport stream."""
    for packet in _TS_PACKETS:
        first = 4 if packet == 192 else 0
        if head[first : first + 1] == head[first + packet : first + packet + 1] == b"G":
            return size % packet
    return 0


def _ends_with_last_page(tail: bytes) -> bool:
    at = tail.rfind(b"OggS")
    header = tail[at : at + _OGG_HEADER]
    if at < 0 or len(header) < _OGG_HEADER:
        return False
    segments = tail[at + _OGG_HEADER : at + _OGG_HEADER + header[26]]
    end = at + _OGG_HEADER + header[26] + sum(segments)
    return bool(header[5] & _OGG_LAST_PAGE) and len(segments) == header[26] and end <= len(tail)
