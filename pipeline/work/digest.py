"""What a recording is, by content: the digest that says whether its work is already done."""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.card import tool_versions
from fmdata.catalog.storage.files import is_regular
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.settings import STAGES_VERSION, BuildSettings

# A file that claims terabytes takes hours to read through though next to nothing lies on the disk.
# No recording is like that; the share leaves room for black frames kept as holes.
_LEAST_DATA = 0.01  # of a file's bytes, that must ever have been written
_SMALL = 64 << 20  # bytes, which are read in a moment whatever they are


@dataclass(frozen=True)
class Identity:
    """A recording's content, and the digest of all that decides the clip made from it.

    Attributes
    ----------
    source_sha256 : str
        SHA-256 of the file; of a folder, SHA-256 over its images' names and digests.
    digest : str
        SHA-256 over content, names, span, settings, the version of the stages and of the tools.
    state : str
        The :func:`file_state` just before the content was read; empty if that is not known.
    """

    source_sha256: str
    digest: str
    state: str = ""


def identify(recording: Recording, content: str, state: str, settings: BuildSettings) -> Identity:
    """Digest all that decides a recording's clip.

    `content` is its :func:`content_digest`, `state` its files' :func:`file_state` before that.
    """
    facts = {
        "content": content,
        "source": recording.source,
        "subject": recording.subject,
        "action": recording.action,
        "take": recording.take,
        "span": [recording.start_s, recording.stop_s, recording.fps],
        "settings": settings.clip_json(),
        "stages": STAGES_VERSION,
        "tools": tool_versions(settings.landmarks),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Identity(content, digest, state)


def file_state(path: Path) -> str:
    """Digest the sizes and times of a recording's files: another one tells that they have changed.

    Raises
    ------
    OSError
        When one of them is not there.
    """
    files = _images(path) if path.is_dir() else [path]
    told = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if image_number(path.name) is not None)


def content_digest(recording: Recording) -> str:
    """SHA-256 of a recording's file, or of its images' names and digests.

    Raises
    ------
    RecordingError
        With reason ``unreadable`` when the file cannot be read, or is hardly more than holes.
    """
    try:
        if not recording.path.is_dir():
            _require_file(recording.path)
            return _file_sha256(recording.path)
        whole = hashlib.sha256()
        for image in _images(recording.path):
            _require_file(image)
            whole.update(f"{image.name}\0{_file_sha256(image)}\n".encode())
        return whole.hexdigest()
    except OSError as fault:
        detail = fault.strerror or type(fault).__name__
        raise RecordingError("discover", "unreadable", detail) from fault


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > _SMALL and not _has_data(file.fileno(), size):
            detail = (
                f"of its {size} bytes fewer than one in {1 / _LEAST_DATA:.0f} were ever written"
            )
            raise RecordingError("discover", "unreadable", detail)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_data(file: int, size: int) -> bool:
    """Whether enough of an open file is data and not holes; a file system that cannot tell has.

    Asked by extents rather than by the blocks in use, which are fewer where a file system
    compresses and unknown to some in a network.
    """
    at = data = 0
    try:
        while at < size and data < _LEAST_DATA * size:
            start = os.lseek(file, at, os.SEEK_DATA)
            at = os.lseek(file, start, os.SEEK_HOLE)
            data += at - start
    except OSError as fault:
        if fault.errno != errno.ENXIO:  # which says that all the rest is a hole
            return True
    finally:
        os.lseek(file, 0, os.SEEK_SET)
    return data >= _LEAST_DATA * size


def _require_file(path: Path) -> None:
    """Raise before a pipe or a device is opened, which may wait or go on for ever.

    What is not there at all is left for opening to report.
    """
    if path.exists() and not is_regular(path):
        detail = f"{path.name} is a pipe, a device or a socket, not a file"
        raise RecordingError("discover", "unreadable", detail)
