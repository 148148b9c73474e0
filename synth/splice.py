"""Splices a planned compound into a sample: ranges of bytes of its sources, nothing encoded again.

Neighbouring frames of a clip are neighbours in its AVI and in its LBP maps, so a segment is one
range of bytes of each, copied from tar to tar.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.storage.avi import envelope_of, write_avi
from fmdata.catalog.storage.npy import npy_header
from fmdata.catalog.storage.schema import (
    COMPOUND_FACTS,
    COMPOUND_FRAME_FACTS,
    rows,
)
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tars.content import Content, Joined, TarSlice
from fmdata.catalog.timing import segment_times
from fmdata.synth.plan import Compound
from fmdata.synth.seams import measure_seams
from fmdata.synth.sources import Sources


def splice(compounds: Sequence[Compound], sources: Sources) -> Iterator[Sample]:
    """Yield the samples of some compounds; every frame has the bytes of its source frame."""
    facts, frames = _facts(compounds, sources), _frames(compounds, sources)
    at = 0
    for number, compound in enumerate(compounds):
        avi, spans = _avi(compound, sources)
        of_compound = frames.slice(at, compound.n_frames)
        at += compound.n_frames
        yield Sample(facts.slice(number, 1), [of_compound], avi, _lbp(compound, sources), spans)


def _avi(compound: Compound, sources: Sources) -> tuple[Content, np.ndarray | None]:
    """Return the AVI, in which neighbours are copied at once, and where its JPEGs are."""
    shown = [(sources.clip(s.source), s) for s in compound.segments if s.n_frames]
    spans = [clip.jpeg_spans[s.start : s.stop] for clip, s in shown]
    size = shown[0][0].size
    envelope = envelope_of(np.concatenate(spans)[:, 1], fps=compound.fps, size=size)
    if envelope is None:
        file = io.BytesIO()
        jpegs = (jpeg for clip, s in shown for jpeg in clip.jpegs(range(s.start, s.stop)))
        write_avi(file, jpegs, fps=compound.fps, size=size)
        return file.getvalue(), None
    chunks = [
        TarSlice(clip.tar, *run)
        for clip, s in shown
        for run in sources.chunks(s.source).runs(s.start, s.stop)
    ]
    return Joined((envelope.head, *chunks, envelope.tail)), envelope.spans


def _lbp(compound: Compound, sources: Sources) -> Content | None:
    """Return the LBP maps as an npy file; None in a dataset without them."""
    shown = [(sources.clip(s.source), s) for s in compound.segments if s.n_frames]
    size = shown[0][0].size
    if not shown[0][0].has_lbp:
        return None
    pieces = []
    for clip, segment in shown:
        ends = clip.row["lbp_offset"] + clip.row["lbp_size"]
        first = ends - (clip.n_frames - segment.start) * size**2
        pieces.append(TarSlice(clip.tar, first, segment.n_frames * size**2))
    header = npy_header(np.dtype(np.uint8), (compound.n_frames, size, size))
    return Joined((header, *pieces))


def _facts(compounds: Sequence[Compound], sources: Sources) -> pa.Table:
    """Return the facts of some compounds, one row each."""
    seams = [measure_seams(compound, sources) for compound in compounds]
    names = ("key", "subject", "first", "second", "copy", "label", "fps", "n_frames")
    values: dict[str, Any] = {name: [getattr(c, name) for c in compounds] for name in names}
    values |= {
        "fold": [sources.clip(c.takes[0]).fold for c in compounds],
        "first_take": [c.takes[0] for c in compounds],
        "second_take": [c.takes[1] for c in compounds],
        "segments": [[vars(s) for s in c.segments] for c in compounds],
        "seam": [max(of_one) for of_one in seams],
        "seams": seams,
    }
    return rows(COMPOUND_FACTS, values)


def _frames(compounds: Sequence[Compound], sources: Sources) -> pa.Table:
    """Return the time of each frame, and the clip and number of its source frame."""
    segments = [segment for compound in compounds for segment in compound.segments]
    names = list(dict.fromkeys(s.source for s in segments))
    number_of = {name: number for number, name in enumerate(names)}
    numbers = np.repeat([number_of[s.source] for s in segments], [s.n_frames for s in segments])
    values = {
        "timestamp": np.concatenate(
            [segment_times(c.segments, sources.timestamps, c.fps) for c in compounds]
        ),
        "source": pa.array(names).take(pa.array(numbers)),
        "source_index": np.concatenate([np.arange(s.start, s.stop) for s in segments]),
    }
    return rows(COMPOUND_FRAME_FACTS, values)
