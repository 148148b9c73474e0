"""Room on the disk: a recording that alone is too large for it, or a disk that is full.

A unit is copied into a shard before it is deleted, so a disk must have room for all units twice.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import N_POINTS
from fmdata.pipeline.settings import BuildSettings

_FULL = (errno.ENOSPC, errno.EDQUOT)
_MIN_FILLED = 0.1  # share of the room that a unit has filled when it is too large
MIN_ROOM = 16 << 20  # bytes; with less, a disk is full whatever is built


def is_full(error: OSError) -> bool:
    """Return whether an error is that of a full disk, or of a used quota."""
    return error.errno in _FULL


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def require_room(n_frames: int, settings: BuildSettings, work: Path) -> None:
    """Raise RecordingError when the disk cannot hold a clip of so many frames, with all else gone.

    Of the clip, landmarks and LBP maps are counted, whose sizes are known.
    """
    points = N_POINTS[settings.landmarks == "fan"]
    need = n_frames * (points * 3 * 4 + settings.lbp * settings.side**2)
    free = shutil.disk_usage(work).free
    if 2 * need > max(free, MIN_ROOM) and 2 * need > free + size_of(work) > MIN_ROOM:
        raise too_large("decode")


@contextmanager
def alone_in(work: Path, unit: Path) -> Iterator[None]:
    """Turn the error of a full disk into that of a recording which is too large for it.

    No other unit is being filled. `unit` is what does not fit if the room that it had is larger
    than all finished units, which fit twice without it. Files without a name, of the stages, are
    gone already, so `unit` may be smaller than that room; far smaller, it is not what filled the
    disk. Of a quota, the room is unknown.
    """
    try:
        yield
    except OSError as error:
        own = size_of(unit)
        room = shutil.disk_usage(work).free + own
        finished = size_of(work) - own
        filled = error.errno == errno.ENOSPC and own > _MIN_FILLED * room
        if filled and room >= MIN_ROOM and room > finished:
            raise too_large("encode") from error
        raise


def require_copy(unit: Path) -> None:
    """Raise the error of a full disk when a finished unit could not be copied into a shard.

    Without this check the units fit, their copies do not, and so every build would end there.

    Raises
    ------
    OSError
        With ``ENOSPC``, when the unit does not fit twice though all others were gone.
    """
    own, free = size_of(unit), shutil.disk_usage(unit).free
    if own > free and 2 * own > free + size_of(unit.parent):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(unit))


def too_large(stage: str) -> RecordingError:
    """Return the error for a recording whose clip does not fit on the disk."""
    detail = "its clip does not fit on the disk, which needs room for it twice; free space and "
    detail += "use --retry-dropped, cut the recording, or leave it out"
    return RecordingError(stage, "too_large", detail)
