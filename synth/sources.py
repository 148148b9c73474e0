"""The action clips of one subject, read once for all compounds that use them."""

from collections.abc import Mapping

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.storage.avi import decode_jpeg


class Sources:
    """Cache of one subject's action clips: each is read once for all compounds that use it."""

    def __init__(self, clips: Mapping[str, ActionClip]) -> None:
        self._clips = clips
        self._jpegs: dict[str, list[bytes]] = {}
        self._lbp: dict[str, np.ndarray] = {}
        self._change: dict[str, np.ndarray] = {}
        self._timestamps: dict[str, np.ndarray] = {}
        self._pixels: dict[tuple[str, int], np.ndarray] = {}

    def clip(self, key: str) -> ActionClip:
        """Return the clip itself."""
        return self._clips[key]

    def jpegs(self, key: str) -> list[bytes]:
        """Return the JPEG of every frame."""
        if key not in self._jpegs:
            self._jpegs[key] = self._clips[key].jpegs()
        return self._jpegs[key]

    def lbp(self, key: str) -> np.ndarray:
        """Return the LBP maps, uint8 [T, S, S]."""
        if key not in self._lbp:
            self._lbp[key] = self._clips[key].lbp()
        return self._lbp[key]

    def change(self, key: str) -> np.ndarray:
        """Return the mean absolute difference of each frame to the one before, float32 [T]."""
        if key not in self._change:
            self._change[key] = self._clips[key].change
        return self._change[key]

    def timestamps(self, key: str) -> np.ndarray:
        """Return the time of each frame in its source, float32 [T], in seconds."""
        if key not in self._timestamps:
            self._timestamps[key] = self._clips[key].timestamps
        return self._timestamps[key]

    def pixels(self, key: str, index: int) -> np.ndarray:
        """Return one decoded frame; cached, because many compounds share few splice frames."""
        if (key, index) not in self._pixels:
            self._pixels[key, index] = decode_jpeg(self.jpegs(key)[index])
        return self._pixels[key, index]
