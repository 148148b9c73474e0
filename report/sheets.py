"""Sprite sheets: frames of a clip, made small and side by side in one WebP picture.

The bytes of a sheet are limited by their share of the page.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.catalog.clip import ActionClip

PAGE_BYTES = 16_000_000  # of all sheets, before base64 adds a third
_QUALITIES = (80, 60, 40, 25, 12, 5)


@dataclass(frozen=True)
class SheetSize:
    """Size of each sheet of a page: frames, their side in pixels, and bytes at most."""

    frames: int
    side: int
    max_bytes: int

    @classmethod
    def for_clips(cls, n_clips: int) -> "SheetSize":
        """Return the size of sheets with which so many clips fit the page."""
        share = PAGE_BYTES // max(n_clips, 1)
        if share >= 40_000:
            return cls(32, 96, 40_000)
        return cls(24, 72, share) if share >= 16_000 else cls(14, 56, share)


def sheet(clip: ActionClip, frames: Sequence[int], size: SheetSize) -> str:
    """Return frames of a clip side by side, a WebP picture in base64 of limited size."""
    side = min(size.side, clip.size)
    small = [_small(clip.frames([frame])[0], side) for frame in frames]
    row = cv2.cvtColor(np.concatenate(small, axis=1), cv2.COLOR_RGB2BGR)
    data = b""
    for quality in _QUALITIES:
        data = cv2.imencode(".webp", row, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(data) <= size.max_bytes:
            break
    return base64.b64encode(data).decode()


def _small(frame: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
