"""Facts and splice frames of one subject's action clips, read once for all compounds."""

from collections.abc import Mapping

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.storage.avi import Chunks
from fmdata.pipeline.cropping.difference import frame_difference


class Sources:
    """Cache of one subject's action clips, without their pixels but those at splices."""

    def __init__(self, clips: Mapping[str, ActionClip]) -> None:
        self._clips = clips
        self._chunks: dict[str, Chunks] = {}
        self._change: dict[str, np.ndarray] = {}
        self._timestamps: dict[str, np.ndarray] = {}
        self._pixels: dict[tuple[str, int], np.ndarray] = {}
        self._jumps: dict[tuple[str, int, str, int], float] = {}
        self._ordinary: dict[tuple[str, str], float] = {}

    def clip(self, key: str) -> ActionClip:
        """Return the clip itself."""
        return self._clips[key]

    def chunks(self, key: str) -> Chunks:
        """Return where the frames lie in the tar."""
        if key not in self._chunks:
            self._chunks[key] = Chunks(self._clips[key].jpeg_spans)
        return self._chunks[key]

    def change(self, key: str) -> np.ndarray:
        """Return the mean absolute difference of each frame to the one before, float32 [T]."""
        if key not in self._change:
            self._change[key] = self._clips[key].change
        return self._change[key]

    def ordinary(self, one: str, other: str) -> float:
        """Return the median difference of neighbouring frames in two clips, 0 to 255."""
        if (one, other) not in self._ordinary:
            changes = np.concatenate([self.change(key)[1:] for key in (one, other)])
            self._ordinary[one, other] = float(np.median(changes))
        return self._ordinary[one, other]

    def jump(self, one: str, last: int, other: str, first: int) -> float:
        """Return the difference of a frame of one clip and a frame of another, 0 to 255."""
        joint = one, last, other, first
        if joint not in self._jumps:
            self._jumps[joint] = frame_difference(self._frame(one, last), self._frame(other, first))
        return self._jumps[joint]

    def timestamps(self, key: str) -> np.ndarray:
        """Return the time of each frame in its source, float32 [T], in seconds."""
        if key not in self._timestamps:
            self._timestamps[key] = self._clips[key].timestamps
        return self._timestamps[key]

    def _frame(self, key: str, index: int) -> np.ndarray:
        """Return one decoded frame; cached, because many compounds share few splice frames."""
        if (key, index) not in self._pixels:
            self._pixels[key, index] = self._clips[key].frames([index])[0]
        return self._pixels[key, index]
