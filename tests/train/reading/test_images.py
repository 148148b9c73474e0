"""Mini-batches of frames from windows of clips, the same after a stop; and clips in order."""

from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import Clip
from fmdata.catalog.errors import DatasetError
from fmdata.train.reading.images import ImageBatches
from fmdata.train.reading.in_order import each_batch, in_order, positions_of, spread
from fmdata.train.reading.loader import Loader, LoaderSettings

WINDOW = 11  # mini-batches of six from 22 clips of three frames: 68 clips make three windows


def numbered(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Return three frames of a clip and the clip's position by its key's digits."""
    number = int(clip.subject[1:]) * 100 + ["01", "02"].index(clip.row["take"])
    return clip.frames([0, 5, 11]), np.full(3, number) + 10 * np.arange(3)


def nothing(clip: Clip) -> tuple[np.ndarray]:
    return (np.zeros((0, 2)),)


def key_of(clip: Clip) -> str:
    return clip.key


def failing(clip: Clip) -> str:
    raise DatasetError("a bad clip", wanted="a good one", where=clip.key, todo="look at it")


def drawn(path: Path, n: int, first: int = 0, workers: int = 0) -> list[bytes]:
    actions = Dataset(path).actions
    faces = ImageBatches(
        actions, numbered, np.arange(len(actions)), batch=4, per_clip=3, seed=1, workers=workers
    )
    batches = faces.batches(first)
    return [b"".join(values.tobytes() for values in next(batches)) for _ in range(n)]


def test_a_frame_of_a_window_comes_once_and_frames_of_clips_are_mixed(five_shards: Path) -> None:
    actions = Dataset(five_shards).actions
    faces = ImageBatches(
        actions, numbered, np.arange(len(actions)), batch=6, per_clip=3, seed=1, workers=0
    )
    batches = faces.batches(0)
    first = [next(batches) for _ in range(WINDOW)]
    assert {len(images) for images, _ in first} == {6}
    seen = [images[i].tobytes() for images, _ in first for i in range(6)]
    assert len(set(seen)) == len(seen)  # of noise, so each frame is another one
    of_clips = np.mean([len({int(x) % 10 + int(x) // 100 * 100 for x in n}) for _, n in first])
    assert of_clips > 4


def test_mini_batches_are_the_same_after_a_stop_and_with_workers(five_shards: Path) -> None:
    n = 2 * WINDOW + 12
    whole = drawn(five_shards, n)
    assert len(set(whole)) == n
    for first in (3, WINDOW, 2 * WINDOW + 5, n - 2):
        assert drawn(five_shards, n - first, first) == whole[first:]
    assert drawn(five_shards, n, workers=3) == whole


def test_only_the_clips_of_a_window_are_read_for_its_mini_batches(five_shards: Path) -> None:
    """22 of 68 clips, or 23; and of the loader's batches only those that are asked for."""
    read: list[str] = []

    def noted(clip: Clip, rng: object = None) -> tuple[np.ndarray]:
        read.append(clip.key)
        return (np.zeros((3, 2)),)

    actions = Dataset(five_shards).actions
    faces = ImageBatches(
        actions, noted, np.arange(len(actions)), batch=6, per_clip=3, seed=1, workers=0
    )
    batches = faces.batches(0)
    for _ in range(WINDOW):
        next(batches)
    assert len(read) in (22, 23)
    read.clear()
    next(Loader(actions, noted, LoaderSettings(batch=10)).batches())
    assert len(read) <= 10


def test_clips_without_a_usable_frame_are_an_error(five_shards: Path) -> None:
    faces = ImageBatches(
        Dataset(five_shards).actions, nothing, np.arange(8), batch=4, per_clip=3, seed=1, workers=0
    )
    with pytest.raises(DatasetError, match="no usable frame"):
        next(faces.batches(0))


def test_clips_are_read_in_order_by_any_number_of_workers(five_shards: Path) -> None:
    actions = Dataset(five_shards).actions
    subjects = sorted({clip.subject for clip in actions})[3:9]
    positions = positions_of(actions, subjects)
    keys = [clip.key for clip in actions if clip.subject in subjects]
    for workers in (0, 3):
        assert list(in_order(actions, key_of, positions, workers)) == keys
        batches = each_batch(actions, key_of, positions, workers, 5, list)
        assert [len(batch) for batch in batches] == [5, 5, 5, 5, 4]
        assert [key for batch in batches for key in batch] == keys
        with pytest.raises(DatasetError, match="a bad clip"):
            list(in_order(actions, failing, positions, workers))
    assert spread(positions, 100) is positions
    assert spread(np.arange(11), 3).tolist() == [0, 5, 10]
