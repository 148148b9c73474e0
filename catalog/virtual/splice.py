"""Splices segments of action clips: ranges of bytes of their files, nothing encoded again.

Neighbouring frames of a clip are neighbours in its AVI and in its LBP maps, so a segment is one
range of bytes of each. Promise: a compound that is spliced on read and one that lies in a shard
have the same frames, rows and bytes, because both are made here.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fmdata.catalog.storage.avi import envelope_of, write_avi
from fmdata.catalog.storage.npy import npy_header
from fmdata.catalog.storage.schema import COMPOUND_FRAME_FACTS, rows
from fmdata.catalog.storage.tars.content import Content, Joined, TarSlice
from fmdata.catalog.timing import segment_times
from fmdata.catalog.types import Segment
from fmdata.catalog.virtual.sources import Sources


class Spliced(NamedTuple):
    """An AVI, and offset and size of each JPEG in it, int64 [T, 2]; None where not known."""

    avi: Content
    spans: np.ndarray | None


def spliced_avi(segments: Sequence[Segment], fps: float, sources: Sources) -> Spliced:
    """Return the AVI of segments, in which neighbours are copied at once."""
    runs = sources.runs(segments)
    sizes = np.concatenate([source.spans[start:stop, 1] for source, start, stop in runs])
    size = runs[0][0].clip.size
    envelope = envelope_of(sizes, fps=fps, size=size)
    if envelope is None:
        file = io.BytesIO()
        jpegs = (
            jpeg for source, start, stop in runs for jpeg in source.clip.jpegs(range(start, stop))
        )
        write_avi(file, jpegs, fps=fps, size=size)
        return Spliced(file.getvalue(), None)
    chunks = [
        TarSlice(source.clip.tar, *run)
        for source, start, stop in runs
        for run in source.chunks.runs(start, stop)
    ]
    return Spliced(Joined((envelope.head, *chunks, envelope.tail)), envelope.spans)


def spliced_maps(segments: Sequence[Segment], sources: Sources) -> Content | None:
    """Return the LBP maps of segments as an npy file; None in a dataset without them."""
    runs = sources.runs(segments)
    size = runs[0][0].clip.size
    if not runs[0][0].clip.has_lbp:
        return None
    pieces = []
    for source, start, stop in runs:
        row = source.clip.row
        begin = row["lbp_offset"] + row["lbp_size"] - (source.clip.n_frames - start) * size**2
        pieces.append(TarSlice(source.clip.tar, begin, (stop - start) * size**2))
    n_frames = sum(stop - start for _, start, stop in runs)
    return Joined((npy_header(np.dtype(np.uint8), (n_frames, size, size)), *pieces))


class Timed(NamedTuple):
    """Segments of a compound, and its nominal frames per second."""

    segments: Sequence[Segment]
    fps: float


def spliced_rows(compounds: Sequence[Timed], sources: Sources) -> pa.Table:
    """Return the time of each frame of some compounds, and the clip and number of its source."""
    segments = [segment for compound in compounds for segment in compound.segments]
    names = list(dict.fromkeys(s.source for s in segments))
    number_of = {name: number for number, name in enumerate(names)}
    numbers = np.repeat([number_of[s.source] for s in segments], [s.n_frames for s in segments])
    times = [
        segment_times(compound.segments, lambda key: sources[key].timestamps, compound.fps)
        for compound in compounds
    ]
    values = {
        "timestamp": np.concatenate(times),
        "source": pa.array(names).take(pa.array(numbers)),
        "source_index": np.concatenate([np.arange(s.start, s.stop) for s in segments]),
    }
    return rows(COMPOUND_FRAME_FACTS, values)
