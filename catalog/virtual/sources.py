"""The action clips of which compounds are made: facts that are read once for many compounds."""

from collections import OrderedDict
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.avi import Chunks
from fmdata.catalog.types import Segment

MAX_FRAMES = 1 << 17  # of clips that are kept, about 150 bytes each
MAX_CLIPS = 1 << 11  # about 5 kilobytes each


class Source:
    """One action clip, with facts of its frames that stay in memory."""

    def __init__(self, clip: ActionClip) -> None:
        self.clip = clip

    @property
    def spans(self) -> np.ndarray:
        """int64 [T, 2], offset and size of each frame's JPEG in the tar, in bytes."""
        return self.clip.jpeg_spans

    @cached_property
    def chunks(self) -> Chunks:
        """Runs of bytes of frames in the tar."""
        return Chunks(self.spans)

    @cached_property
    def timestamps(self) -> np.ndarray:
        """float32 [T], time of each frame in its source, in seconds."""
        return self.clip.timestamps

    @cached_property
    def n_bytes(self) -> np.ndarray:
        """int64 [T + 1], bytes of JPEGs and LBP maps of all frames before each frame."""
        maps = self.clip.size**2 if self.clip.has_lbp else 0
        return np.concatenate([[0], np.cumsum(self.spans[:, 1] + maps)])


class ClipsByKey(Protocol):
    """Action clips by key."""

    def __getitem__(self, key: str, /) -> ActionClip:
        """Return the clip of a key."""


class Run(NamedTuple):
    """Consecutive frames ``[start, stop)`` of one source."""

    source: Source
    start: int
    stop: int


class Sources:
    """Sources by key; the last ones used stay in memory, and those of one compound always do.

    Parameters
    ----------
    clips : Clips or mapping
        Action clips by key.
    stale : bool
        True where the clips have changed since the compounds were planned, so none is read.
    """

    def __init__(self, clips: ClipsByKey, *, stale: bool = False) -> None:
        self._clips, self._stale = clips, stale
        self._kept: OrderedDict[str, Source] = OrderedDict()
        self._n_frames = 0

    def __getitem__(self, key: str) -> Source:
        source = self._kept.get(key)
        if source is None:
            if self._stale:
                raise _stale_plan(key)
            source = self._kept[key] = Source(self._clips[key])
            self._n_frames += source.clip.n_frames
            while self._is_full():
                _, old = self._kept.popitem(last=False)
                self._n_frames -= old.clip.n_frames
        else:
            self._kept.move_to_end(key)
        return source

    def __getstate__(self) -> dict[str, Any]:
        # Another process reads its own.
        return self.__dict__ | {"_kept": OrderedDict(), "_n_frames": 0}

    def runs(self, segments: Iterable[Segment]) -> list[Run]:
        """Return the frames of segments as runs of a source, neighbours joined."""
        found: list[Run] = []
        for segment in segments:
            source, start = self[segment.source], segment.start
            if found and found[-1].source is source and found[-1].stop == segment.start:
                start = found.pop().start
            if start < segment.stop:
                found.append(Run(source, start, segment.stop))
        return found

    def _is_full(self) -> bool:
        return len(self._kept) > 2 and (len(self._kept) > MAX_CLIPS or self._n_frames > MAX_FRAMES)


def _stale_plan(key: str) -> DatasetError:
    return DatasetError(
        "stale virtual compounds: the actions have changed since they were planned",
        wanted="a plan of the present actions",
        where=f"the frames of {key}",
        todo="run `fmdata synth-compound --virtual` again",
    )
