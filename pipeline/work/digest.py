"""Identity of a recording by content: a digest that recognises finished work."""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.files import is_regular
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.images import image_number
from fmdata.pipeline.settings import STAGES_VERSION, JobSettings

# A sparse file of terabytes takes hours to read though the disk holds next to nothing of it. No
# recording is like that; the share leaves room for black frames kept as holes.
_MIN_DATA = 0.01  # least share of a file's bytes that must have been written
_SMALL = 64 << 20  # bytes; a smaller file is read without that check


@dataclass(frozen=True)
class Identity:
    """Digests of a recording's content and of everything that decides its clip.

    Attributes
    ----------
    source_sha256 : str
        SHA-256 of the file; of a folder, SHA-256 over its images' numbers, counted from the
        first, and digests.
    digest : str
        SHA-256 over content, names, span, settings, and the versions of stages and tools.
    state : str
        The :func:`file_state` just before the content was read; empty if unknown.
    """

    source_sha256: str
    digest: str
    state: str = ""


class Maker:
    """Settings, stages and tools of a build: with a recording, they decide its clip."""

    def __init__(self, settings: JobSettings) -> None:
        self._facts = {
            "settings": settings.clip_json(),
            "stages": STAGES_VERSION,
            "tools": tool_versions(settings.landmarks),
        }

    def identify(self, recording: Recording, content: str, state: str) -> Identity:
        """Digest everything that decides a recording's clip.

        `content` is its :func:`content_digest`, `state` the :func:`file_state` before that.
        """
        facts = {
            "content": content,
            "source": recording.source,
            "subject": recording.subject,
            "action": recording.action,
            "take": recording.take,
            "span": [recording.start_s, recording.stop_s, recording.fps],
            "person": recording.person,
            **self._facts,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        return Identity(content, digest, state)


def file_state(path: Path) -> str:
    """Digest the sizes and times of a recording's files; a change of the files changes it.

    Raises
    ------
    OSError
        When a file is missing.
    """
    files = files_of(path)
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def files_of(path: Path) -> list[Path]:
    """Return the files of a recording: the video, or the images of a folder in order."""
    return [image for _, image in _images(path)] if path.is_dir() else [path]


def _images(folder: Path) -> list[tuple[int, Path]]:
    """List the images of a folder with their numbers, in order."""
    numbered = ((image_number(path.name), path) for path in folder.iterdir())
    return sorted((number, path) for number, path in numbered if number is not None)


def content_digest(recording: Recording) -> str:
    """Return the SHA-256 of a recording's file, or of its images' numbers and digests.

    The names of images do not count, and their numbers from the first on, so a copy under other
    names has the same digest.

    Raises
    ------
    RecordingError
        With reason ``unreadable`` when the file cannot be read, or is hardly more than holes.
    """
    try:
        if not recording.path.is_dir():
            _require_file(recording.path)
            return _file_sha256(recording.path)
        whole, images = hashlib.sha256(), _images(recording.path)
        for number, image in images:
            _require_file(image)
            whole.update(f"{number - images[0][0]}\0{_file_sha256(image)}\n".encode())
        return whole.hexdigest()
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise RecordingError("discover", "unreadable", detail) from error


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:  # as a failed copy leaves it, or a cloud disk that has not fetched it
            raise OSError(errno.ENODATA, "the file is empty", str(path))
        if size > _SMALL and not _has_data(file.fileno(), size):
            detail = f"of its {size} bytes fewer than one in {1 / _MIN_DATA:.0f} were ever written"
            raise RecordingError("discover", "unreadable", detail)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_data(file: int, size: int) -> bool:
    """Return whether enough of an open file is data, not holes; True where that is unknown.

    Extents are counted, not blocks: a compressing file system uses fewer blocks, and some network
    file systems do not report them.
    """
    if not hasattr(os, "SEEK_DATA"):  # Windows
        return True
    at = data = 0
    try:
        while at < size and data < _MIN_DATA * size:
            start = os.lseek(file, at, os.SEEK_DATA)
            at = os.lseek(file, start, os.SEEK_HOLE)
            data += at - start
    except OSError as error:
        if error.errno != errno.ENXIO:  # ENXIO: the rest is a hole
            return True
    finally:
        os.lseek(file, 0, os.SEEK_SET)
    return data >= _MIN_DATA * size


def _require_file(path: Path) -> None:
    """Raise RecordingError for a pipe or a device, whose reading may never end.

    A missing file is left for opening to report.
    """
    if path.exists() and not is_regular(path):
        detail = f"{path.name} is a pipe, a device or a socket, not a file"
        raise RecordingError("discover", "unreadable", detail)
