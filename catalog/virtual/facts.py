"""Facts of the frames of many clips, read together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.storage.tables.rows import FramesOf

FramesByKey: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]
"""Arrays [T] by column, by the key of a clip."""


def frames_of(clips: Iterable[ActionClip], columns: Sequence[str]) -> FramesByKey:
    """Return columns of one number a frame; rows that follow one another are read at once."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for run in _runs(clips):
        first, last = run[0].row["frames_row"], _next_row(run[-1])
        blocks = FramesOf(run[0].shard, first, last, tuple(columns), run[0].reader)
        table = pa.concat_tables(blocks)
        arrays = {name: per_frame(table[name]) for name in columns}
        at = 0
        for clip in run:
            rows = slice(at, at + clip.n_frames)
            found[clip.key] = {name: values[rows] for name, values in arrays.items()}
            at += clip.n_frames
    return found


def _runs(clips: Iterable[ActionClip]) -> Iterator[list[ActionClip]]:
    """Yield runs of clips whose rows of frames follow one another."""
    run: list[ActionClip] = []
    for clip in clips:
        if run and (run[-1].shard, _next_row(run[-1])) != (clip.shard, clip.row["frames_row"]):
            yield run
            run = []
        run.append(clip)
    if run:
        yield run


def _next_row(clip: ActionClip) -> int:
    return int(clip.row["frames_row"]) + clip.n_frames
