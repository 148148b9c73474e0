"""Clips decoded ahead of their use: the same pixels, in order, and never more than has room."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from fmdata.catalog import Dataset, prefetch
from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.errors import DatasetError
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from tests.helpers.datasets import make_up


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Make actions, and virtual compounds, whose sources are shared by the threads."""
    path = make_up(tmp_path_factory.mktemp("prefetch") / "dataset", ["s00", "s01"], k=0)
    synth_compounds(path, CompoundSettings(k=8, virtual=True))
    return Dataset(path)


@pytest.mark.parametrize("threads", [0, 1, 4])
@pytest.mark.parametrize("half", ["actions", "compounds"])
def test_every_clip_has_its_frames_in_order(dataset: Dataset, half: str, threads: int) -> None:
    clips = getattr(dataset, half)
    found = list(prefetch(clips, threads=threads))
    assert [clip.key for clip, _ in found] == clips.keys
    assert all(np.array_equal(frames, clips[clip.key].frames()) for clip, frames in found)


def test_a_function_makes_the_result_in_a_thread(dataset: Dataset) -> None:
    def named(clip: Clip) -> tuple[str, str]:
        return clip.key, threading.current_thread().name

    for clip, (key, thread) in prefetch(dataset.actions, named):
        assert key == clip.key
        assert thread.startswith("prefetch")


@pytest.mark.parametrize(("max_mb", "most"), [(256, 6), (1, 6), (0, 2)])
def test_few_clips_are_ahead_of_the_one_in_use(dataset: Dataset, max_mb: int, most: int) -> None:
    """A clip has 0.15 MB: without room for two, one is ahead."""
    asked = 0

    def clips() -> Iterator[ActionClip]:
        nonlocal asked
        for clip in dataset.actions:
            asked += 1
            yield clip

    for used, _ in enumerate(prefetch(clips(), threads=2, max_mb=max_mb), 1):
        assert asked - used <= most - 1


def test_an_error_is_raised_at_its_clip(dataset: Dataset) -> None:
    third = dataset.actions[2].key

    def broken(clip: Clip) -> str:
        if clip.key == third:
            raise DatasetError("broken", wanted="a clip", where=clip.key, todo="nothing")
        return clip.key

    read = prefetch(dataset.actions, broken)
    assert [next(read)[1], next(read)[1]] == dataset.actions.keys[:2]
    with pytest.raises(DatasetError, match="broken"):
        next(read)


def test_no_thread_is_left_when_the_reader_stops_early(dataset: Dataset) -> None:
    read = prefetch(dataset.actions)
    next(read)
    read.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("prefetch")]
