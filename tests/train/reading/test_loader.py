"""The loader gives each clip once an epoch, over real processes, and resumes where it stopped."""

import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import Clip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.remote.cache import CacheSettings
from fmdata.catalog.remote.push import push
from fmdata.train.reading.loader import Loader, LoaderSettings, pixels
from tests.helpers.ranks import run_ranks
from tests.helpers.s3 import s3_bucket

# Reads an epoch from a step on; every step meets the other ranks, so unequal steps would hang.
PROGRAM = """
import json, sys
import torch
import torch.distributed as dist
from fmdata.catalog import Dataset
from fmdata.train import distributed
from fmdata.train.reading.loader import Loader, LoaderSettings

def item(clip, rng):
    return clip.key, int(clip.frames().sum()), float(rng.random())

path, out, workers, start, stop = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.set_num_threads(1)
with distributed.joined():
    settings = LoaderSettings(batch=8, mix=2, seed=3, workers=workers)
    loader = Loader(Dataset(path).actions, item, settings)
    found = []
    for batch in loader.batches(epoch=2, step=start, epochs=3):
        dist.all_reduce(torch.ones(1))
        found.append([batch.step, batch.items])
        if batch.step + 1 == stop:
            break
    with open(f"{out}/{start}-{distributed.rank()}.json", "w") as file:
        json.dump(found, file)
"""
STOP = 7


def drawn(clip: Clip, rng: np.random.Generator) -> tuple[str, float]:
    return clip.key, float(rng.random())


def failing(clip: Clip, rng: np.random.Generator) -> str:
    raise DatasetError("a bad clip", wanted="a good one", where=clip.key, todo="look at it")


def test_batches_do_not_depend_on_workers_of_which_there_may_be_more_than_shards(
    five_shards: Path,
) -> None:
    actions = Dataset(five_shards).actions
    found = [
        [(b.epoch, b.step, b.items) for b in Loader(actions, drawn, settings).batches(epochs=2)]
        for settings in (LoaderSettings(batch=10, workers=w) for w in (0, 1, 7))
    ]
    assert found[0] == found[1] == found[2]
    for epoch in range(2):
        items = [item for e, _, items in found[0] if e == epoch for item in items]
        assert sorted(key for key, _ in items) == sorted(actions.keys)
    # Another epoch is another order, and other draws for each clip.
    drawn_of: dict[str, set[float]] = defaultdict(set)
    for _, _, items in found[0]:
        for key, draw in items:
            drawn_of[key].add(draw)
    assert {len(draws) for draws in drawn_of.values()} == {2}


def test_clips_are_read_as_they_are_in_the_dataset(five_shards: Path) -> None:
    actions = Dataset(five_shards).actions
    chosen = np.array([3, 30, 31, 67])
    settings = LoaderSettings(batch=3, workers=2)
    batches = list(Loader(actions, pixels, settings, chosen).batches(epochs=1))
    assert [len(batch.items) for batch in batches] == [2, 2]
    found = sorted(frames.tobytes() for batch in batches for frames in batch.items)
    assert found == sorted(actions[i].frames().tobytes() for i in chosen.tolist())


def test_the_loader_resumes_at_epoch_and_step(five_shards: Path) -> None:
    loader = Loader(Dataset(five_shards).actions, drawn, LoaderSettings(batch=16, workers=2))
    whole = list(loader.batches(epochs=3))
    assert list(loader.batches(epoch=1, step=2, epochs=3)) == whole[loader.steps + 2 :]


def test_an_error_in_a_worker_keeps_its_four_parts(five_shards: Path) -> None:
    actions = Dataset(five_shards).actions
    for workers in (0, 2):
        loader = Loader(actions, failing, LoaderSettings(workers=workers))
        with pytest.raises(DatasetError, match="a bad clip") as caught:
            next(loader.batches())
        assert caught.value.todo == "look at it"


@pytest.mark.slow
def test_workers_read_a_url_through_one_cache_smaller_than_the_dataset(
    five_shards: Path, tmp_path: Path
) -> None:
    settings = CacheSettings(folder=tmp_path / "cache", megabytes=9)
    local, remote = Dataset(five_shards), Dataset(five_shards.as_uri(), settings)
    total = sum(f.bytes for s in local.card.actions.shards for f in s.files.values())
    assert total > 12e6
    loading = LoaderSettings(batch=8, mix=2, workers=3)
    found = [
        [(b.epoch, b.step, [x.tobytes() for x in b.items]) for b in loader.batches(epochs=2)]
        for loader in (Loader(dataset.actions, pixels, loading) for dataset in (local, remote))
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_forked_workers_fetch_from_s3_by_connections_of_their_own(
    five_shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent has used its connections before; one request in twenty fails."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    with s3_bucket(monkeypatch):
        dataset = Path(shutil.copytree(five_shards, tmp_path / "dataset"))
        push(dataset, "s3://faces/lab")
        remote = Dataset("s3://faces/lab", CacheSettings(folder=tmp_path / "cache"))
        settings = LoaderSettings(batch=8, workers=2)
        loaders = [Loader(d.actions, item_of, settings) for d in (Dataset(dataset), remote)]
        local, fetched = ([b.items for b in one.batches(epochs=1)] for one in loaders)
        assert fetched == local


@pytest.mark.long
def test_four_ranks_of_three_workers_stop_at_a_step_and_two_of_two_go_on(
    five_shards: Path, tmp_path: Path
) -> None:
    """Over five shards: every clip once, equal steps, and nothing waits for ever."""
    run_ranks(PROGRAM, 4, five_shards, tmp_path, 3, 0, STOP)
    run_ranks(PROGRAM, 2, five_shards, tmp_path, 2, STOP, 0)
    begun = [json.loads((tmp_path / f"0-{rank}.json").read_text()) for rank in range(4)]
    ended = [json.loads((tmp_path / f"{STOP}-{rank}.json").read_text()) for rank in range(2)]
    assert [[step for step, _ in steps] for steps in begun] == [list(range(STOP))] * 4
    assert [[step for step, _ in steps] for steps in ended] == [[7, 8]] * 2
    items = [tuple(item) for rank in (*begun, *ended) for _, items in rank for item in items]
    assert sorted(key for key, *_ in items) == sorted(Dataset(five_shards).actions.keys)
    # The same as one process without workers, draws and pixels too.
    alone = Loader(Dataset(five_shards).actions, item_of, LoaderSettings(batch=8, mix=2, seed=3))
    assert sorted(items) == sorted(i for b in alone.batches(2, epochs=3) for i in b.items)


def item_of(clip: Clip, rng: np.random.Generator) -> tuple[str, int, float]:
    return clip.key, int(clip.frames().sum()), float(rng.random())
