"""From a planned compound to its sample: JPEGs and LBP maps are copied, never made anew."""

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
    """The action clips of one subject, each read once however many compounds it is in."""

    def __init__(self, clips: Mapping[str, ActionClip]) -> None:
        self._clips = clips
        self._jpegs: dict[str, list[bytes]] = {}
        self._lbp: dict[str, np.ndarray] = {}
        self._change: dict[str, np.ndarray] = {}
        self._shown: dict[tuple[str, int], np.ndarray] = {}

    def clip(self, key: str) -> ActionClip:
        """Return the clip itself."""
        return self._clips[key]

    def jpegs(self, key: str) -> list[bytes]:
        """JPEG of every frame."""
        if key not in self._jpegs:
            self._jpegs[key] = self._clips[key].jpegs()
        return self._jpegs[key]

    def lbp(self, key: str) -> np.ndarray:
        """LBP maps, uint8 [T, S, S]."""
        if key not in self._lbp:
            self._lbp[key] = self._clips[key].lbp()
        return self._lbp[key]

    def change(self, key: str) -> np.ndarray:
        """Mean absolute difference of each frame to the one before, float32 [T]."""
        if key not in self._change:
            self._change[key] = self._clips[key].column("change")
        return self._change[key]

    def shown(self, key: str, index: int) -> np.ndarray:
        """Pixels of one frame, for measuring only; kept, as many compounds meet at few frames."""
        if (key, index) not in self._shown:
            self._shown[key, index] = decode_jpeg(self.jpegs(key)[index])
        return self._shown[key, index]


def sample(compound: Compound, sources: Sources) -> Sample:
    """Return the compound's sample; every frame has the bytes of the source frame it names."""
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
    """How much the picture jumps where action i ends and action j begins.

    Mean absolute difference of the two frames at the splice, over the median of the same between
    neighbours inside the two sources: 1 means no worse than ordinary motion.
    """
    _, first, second, _ = compound.segments
    jump = frame_difference(
        sources.shown(first.source, first.stop - 1), sources.shown(second.source, second.start)
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
