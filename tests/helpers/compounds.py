"""Compounds in shards and in a plan, read in the same way and compared."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from fmdata.catalog import Dataset
from fmdata.catalog.virtual.compound import CompoundClip

OF_FRAMES = ["key", "index", "timestamp", "source", "source_index"]


def content_of(clip: CompoundClip) -> tuple[pa.Table, pa.Table, list[bytes], bytes, bytes]:
    """Return everything that a compound holds, apart from its place in a tar."""
    frames = clip.frames_table(OF_FRAMES)
    return clip.facts(), frames, clip.jpegs(), clip.avi(), clip.lbp_npy()


def assert_same_compounds(one: Path, other: Path) -> None:
    """Check that two datasets have the same compounds: rows, frames and bytes, in one order."""
    clips, others = Dataset(one).compounds, Dataset(other).compounds
    assert clips.keys == others.keys
    for clip, same in zip(clips, others, strict=True):
        for value, wanted in zip(content_of(clip), content_of(same), strict=True):
            assert value.equals(wanted) if isinstance(value, pa.Table) else value == wanted
        assert np.array_equal(clip.frames(), same.frames())
        assert np.array_equal(clip.lbp(), same.lbp())
