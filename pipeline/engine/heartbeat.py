"""Heartbeat of a worker process: its stage and frame count, in memory shared with its parent.

Promise: a beat costs next to nothing and never waits, whatever the parent does.
"""

import mmap
import os
import struct
import tempfile

from fmdata.catalog.types import STAGES

_PAGE = struct.Struct("=qq")  # position of the stage in STAGES; frames begun, over all stages


class Heartbeat:
    """A :class:`~fmdata.pipeline.landmarks.film.Watch` that another process can read.

    Parameters
    ----------
    file : int
        Descriptor of an open file from :func:`shared_file`, in either process.
    """

    def __init__(self, file: int) -> None:
        self._page = mmap.mmap(file, _PAGE.size)
        self._frames = 0
        self.start()

    def start(self) -> None:
        """Begin a job."""
        self._frames = 0
        self.beat(STAGES[0])

    def beat(self, stage: str, new_frames: int = 0) -> None:
        """Report the stage at work, one of :data:`STAGES`, and the frames begun since last."""
        self._frames += new_frames
        self._page[:] = _PAGE.pack(STAGES.index(stage), self._frames)

    def last(self) -> tuple[str, int]:
        """Return the stage, and the frames begun so far, of the other process's last beat."""
        stage, frames = _PAGE.unpack(self._page[:])
        return STAGES[stage], frames


def shared_file() -> int:
    """Open a file for a :class:`Heartbeat`; it has no name and ends when both sides close it."""
    with tempfile.TemporaryFile() as file:
        file.truncate(_PAGE.size)
        return os.dup(file.fileno())
