"""Splices a planned compound into a sample: JPEGs and LBP maps are copied, never encoded again."""

import io
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.schema import (
    COMPOUND_FACTS,
    COMPOUND_FRAME_FACTS,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.timing import segment_times
from fmdata.synth.plan import Compound
from fmdata.synth.seams import measure_seams
from fmdata.synth.sources import Sources


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
    facts, frames = _facts(compound, source.fold, sources), _frames(compound, sources)
    return Sample(facts, [frames], avi.getvalue(), maps)


def _facts(compound: Compound, fold: int, sources: Sources) -> pa.Table:
    seams = measure_seams(compound, sources)
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
        "first_take": compound.takes[0],
        "second_take": compound.takes[1],
        "segments": [
            {"source": s.source, "start": s.start, "stop": s.stop, "role": s.role}
            for s in compound.segments
        ],
        "seam": max(seams),
        "seams": seams,
    }
    return one_row(COMPOUND_FACTS, values)


def _frames(compound: Compound, sources: Sources) -> pa.Table:
    """Return the time of each frame, and the clip and number of its source frame."""
    shown = [(s.source, frame) for s in compound.segments for frame in range(s.start, s.stop)]
    values = {
        "timestamp": segment_times(compound.segments, sources.timestamps, compound.fps),
        "source": [source for source, _ in shown],
        "source_index": [frame for _, frame in shown],
    }
    return frame_rows(COMPOUND_FRAME_FACTS, values)
