"""Splices a planned compound into a sample: JPEGs and LBP maps are copied, never encoded again."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.storage.avi import decode_jpeg, write_avi
from fmdata.catalog.storage.schema import COMPOUND_FACTS, one_row
from fmdata.catalog.storage.shards import Sample
from fmdata.pipeline.cropping.encode import frame_difference
from fmdata.synth.plan import Compound


class Sources:
    """Cache of one subject's action clips: each is read once for all compounds that use it."""

    def __init__(self, clips: Mapping[str, ActionClip]) -> None:
        self._clips = clips
        self._jpegs: dict[str, list[bytes]] = {}
        self._lbp: dict[str, np.ndarray] = {}
        self._change: dict[str, np.ndarray] = {}
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
            self._change[key] = self._clips[key].column("change")
        return self._change[key]

    def pixels(self, key: str, index: int) -> np.ndarray:
        """Return one decoded frame; cached, because many compounds share few splice frames."""
        if (key, index) not in self._pixels:
            self._pixels[key, index] = decode_jpeg(self.jpegs(key)[index])
        return self._pixels[key, index]


def splice(compound: Compound, sources: Sources) -> Sample:
    """Return the sample of a compound; every frame has the bytes of its source frame."""
    segments = compound.segments
    jpegs = [jpeg for s in segments for jpeg in sources.jpegs(s.source)[s.start : s.stop]]
    source = sources.clip(segments[0].source)
    avi = io.BytesIO()
    write_avi(avi, jpegs, fps=compound.fps, size=source.row["size"])
    maps = None
    if source.has_lbp:
        npy = io.BytesIO()
        np.save(npy, np.concatenate([sources.lbp(s.source)[s.start : s.stop] for s in segments]))
        maps = npy.getvalue()
    return Sample(_facts(compound, source.fold, seam(compound, sources)), avi.getvalue(), maps)


def seam(compound: Compound, sources: Sources) -> float:
    """Measure the visual jump from action i to action j.

    Mean absolute difference of the two frames at the splice, divided by the median difference of
    neighbouring frames in the two sources. 1 is no more than ordinary motion.
    """
    _, first, second, _ = compound.segments
    jump = frame_difference(
        sources.pixels(first.source, first.stop - 1), sources.pixels(second.source, second.start)
    )
    inside = [sources.change(key)[1:] for key in (first.source, second.source)]
    ordinary = float(np.median(np.concatenate(inside)))
    return jump / ordinary if ordinary > 0 else (1.0 if jump == 0 else float("inf"))


def _facts(compound: Compound, fold: int, seam: float) -> pa.Table:
    values: dict[str, Any] = {
        "key": compound.key,
        "subject": compound.subject,
        "first": compound.first,
        "second": compound.second,
        "copy": compound.copy,
        "label": compound.label,
        "fold": fold,
        "fps": compound.fps,
        "n_frames": compound.n_frames,
        "segments": [
            {"source": s.source, "start": s.start, "stop": s.stop, "role": s.role}
            for s in compound.segments
        ],
        "seam": seam,
    }
    return one_row(COMPOUND_FACTS, values)
