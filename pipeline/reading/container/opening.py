"""Opens local video files, and asks them what they state: their frame rate and their index."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.images import MAX_PIXELS, too_large

# A playlist named .mp4 would make FFmpeg open the files and addresses in it, so only these
# containers and only local files are allowed.
_OPTIONS = {
    "format_whitelist": "mov,avi,matroska,webm,mpeg,mpegvideo,mpegts,asf,flv,ogg,gif,mxf,dv,rm,ivf,"
    "h264,hevc",
    "protocol_whitelist": "file",
    "max_pixels": str(MAX_PIXELS),  # also for the frames decoded to probe a stream
}
_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def declared_rate(path: Path) -> float | None:
    """Return the frames per second stated in the file, None when there are none."""
    return _stated(path, _version(path))[0]


def indexed_frames(path: Path) -> int:
    """Return the number of frames that the file's index lists, 0 where it has none."""
    return _stated(path, _version(path))[1]


@lru_cache(maxsize=1)  # a file is asked twice, and opening it takes as long as ten frames
def _stated(path: Path, version: tuple[int, ...]) -> tuple[float | None, int]:
    """Return what a version of the file states: frames per second, and frames in its index."""
    with opened(path) as (_, stream):
        rate = float(stream.guessed_rate) if stream.guessed_rate else None
        return rate, sum(entry.size > 0 for entry in stream.index_entries)


def _version(path: Path) -> tuple[int, ...]:
    with suppress(OSError):  # opening it reports the error
        at = path.stat()
        return at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns
    return ()


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a local video file; yield its container and its main video stream.

    Raises
    ------
    RecordingError
        ``unreadable`` or ``too_large``.
    """
    try:
        # Absolute, because FFmpeg takes any text before a colon for a protocol. Titles are often
        # not UTF-8, and are not used here.
        container = av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise unreadable(f"not a video that can be opened ({error.strerror})") from error
    with container:
        stream = _main_stream(container)
        if stream.codec_context is None:
            raise unreadable("its video is coded in a way unknown to this FFmpeg")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_PIXELS:
            raise too_large(
                f"frames claim {width}x{height} pixels, at most {MAX_PIXELS} are decoded"
            )
        # A stream may change its size later; only the decoder sees that before it allocates.
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container, stream


def _main_stream(container: Any) -> Any:
    """Return the default video stream; without one, or of several, that of the largest frames."""
    streams = [s for s in container.streams.video if not s.disposition & _PICTURES]
    if not streams:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
        raise unreadable(f"no video stream among its streams ({kinds})")

    def rank(stream: Any) -> tuple[bool, int]:
        codec = stream.codec_context
        default = bool(stream.disposition & Disposition.default)
        return default, codec.width * codec.height if codec else 0

    return max(streams, key=rank)


def unreadable(detail: str) -> RecordingError:
    """Return the error for a file that is no video, or one that is not read."""
    return RecordingError("decode", "unreadable", detail)
