"""A plain WebDataset reader and Dataset read the same clips from the shards."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
import webdataset

from fmdata.catalog import Dataset
from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.jpeg import decode_jpeg


@pytest.mark.parametrize("part", ["actions", "compounds"])
def test_webdataset_streams_the_clips_that_dataset_reads(dataset_path: Path, part: str) -> None:
    dataset = Dataset(dataset_path)
    clips = getattr(dataset, part)
    tars = sorted(str(path) for path in (dataset_path / part).glob("*.tar"))
    keys = []
    for n, sample in enumerate(webdataset.WebDataset(tars, shardshuffle=False).decode()):
        clip = clips[sample["__key__"]]
        keys.append(clip.key)
        assert {name for name in sample if not name.startswith("__")} == {"avi", "lbp.npy", "json"}
        assert sample["json"]["subject"] == clip.subject
        assert sample["json"]["n_frames"] == clip.n_frames
        assert np.array_equal(sample["lbp.npy"], clip.lbp())
        avi = io.BytesIO(sample["avi"])
        frames = [
            decode_jpeg(sample["avi"][s.offset : s.offset + s.size])
            for s in jpeg_spans(avi, len(sample["avi"]))
        ]
        assert np.array_equal(np.stack(frames), clip.frames())
        if n % 20 == 0:
            with av.open(io.BytesIO(sample["avi"])) as container:
                assert sum(1 for _ in container.decode(video=0)) == clip.n_frames
    assert keys == clips.keys


def test_whole_folds_are_whole_shards(dataset_path: Path) -> None:
    """A split by lists of shards is subject-disjoint."""
    card = Dataset(dataset_path).card
    for part in (card.actions, card.compounds):
        held_out = [shard for shard in part.shards if shard.fold == part.shards[0].fold]
        trained = [shard for shard in part.shards if shard not in held_out]
        assert held_out
        assert trained
        seen = {subject for shard in trained for subject in shard.subjects}
        assert seen.isdisjoint(subject for shard in held_out for subject in shard.subjects)
