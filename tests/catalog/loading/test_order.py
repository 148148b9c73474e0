"""Each clip comes once an epoch, in equal steps, whatever the numbers of ranks and workers."""

from itertools import chain, pairwise, product

import numpy as np
import pytest

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.loading.order import Order, OrderSettings

SIZES = ([1], [3, 5], [7, 1, 12, 4, 6], [40] * 9, [5] * 31, [200, 1, 1, 90])


def order_of(sizes: list[int], **settings: int) -> Order:
    shards = np.repeat(np.arange(len(sizes)), sizes)
    return Order(np.arange(len(shards)), shards, OrderSettings(**settings))


def read(order: Order, epoch: int, ranks: int, workers: int, start: int = 0) -> list[list[int]]:
    """Return the clips of each step, read by workers in turn on each of several ranks."""
    steps: list[list[int]] = [[] for _ in range(order.steps)]
    for rank, worker in product(range(ranks), range(workers)):
        for step in range(start + worker, order.steps, workers):
            clips = order.share(epoch, step, rank, ranks).tolist()
            assert clips, "a rank has no clip"
            steps[step] += clips
    return steps


def possible(order: Order, ranks: int) -> bool:
    try:
        order.require_for(ranks)
    except UsageError:
        return False
    return True


def test_each_clip_comes_once_for_any_ranks_workers_shards_and_lanes() -> None:
    n_tried = 0
    for sizes, ranks, workers, batch, lanes in product(
        SIZES, (1, 2, 3, 4, 7), (1, 2, 3, 8), (4, 12, 36), (1, 2, 4)
    ):
        order = order_of(sizes, batch=batch, mix=2, lanes=lanes)
        if possible(order, ranks):
            n_tried += 1
            steps = read(order, 1, ranks, workers)
            assert sorted(chain(*steps)) == list(range(len(order)))
            assert max(map(len, steps)) <= batch
            assert max(map(len, steps)) - min(map(len, steps)) <= lanes
            shares = [len(order.share(1, 0, rank, ranks)) for rank in range(ranks)]
            assert max(shares) - min(shares) <= 1
        else:
            # Only where the clips, or the batch, are few for so many ranks.
            assert len(order) < ranks * lanes or batch < 2 * ranks * lanes
    assert n_tried > 500


def test_what_is_left_of_an_epoch_is_two_integers_for_any_other_ranks_and_workers() -> None:
    for sizes, start in product(SIZES[2:], (0, 1, 3)):
        order = order_of(sizes, batch=8, mix=3)
        before = read(order, 5, ranks=4, workers=3)[:start]
        for ranks, workers in ((1, 1), (2, 2), (3, 5)):
            after = read(order, 5, ranks, workers, start)[start:]
            assert sorted(chain(*before, *after)) == list(range(len(order)))


def test_the_order_is_a_function_of_seed_and_epoch_alone() -> None:
    def whole(seed: int, epoch: int) -> list[int]:
        order = order_of([40] * 9, batch=8, seed=seed)
        return list(chain(*(order.step(epoch, t).tolist() for t in range(order.steps))))

    assert whole(1, 3) == whole(1, 3)
    assert len({tuple(whole(seed, epoch)) for seed, epoch in product((1, 2), (0, 3))}) == 4


def test_clips_of_about_as_many_shards_as_are_mixed_come_together_and_none_comes_back() -> None:
    sizes, mix = [20] * 40, 4
    order = order_of(sizes, batch=10, mix=mix)
    shards = [set(order.step(0, t) // 20) for t in range(order.steps)]
    first, last = {}, {}
    for t, found in enumerate(shards):
        for shard in found:
            first.setdefault(shard, t)
            last[shard] = t
    open_at = [sum(first[s] <= t <= last[s] for s in first) for t in range(order.steps)]
    assert max(open_at) <= mix + 2
    assert np.mean(open_at) > mix - 1
    # And they are mixed: a batch of ten clips has some of most of these shards.
    assert np.mean([len(found) for found in shards]) > 3
    # In another epoch the shards come in another order.
    again = [set(order.step(1, t) // 20) for t in range(order.steps)]
    assert shards[:5] != again[:5]


def test_few_clips_are_shuffled_whole() -> None:
    """With no more shards than are mixed each clip may come anywhere in the epoch."""
    order = order_of([10] * 4, batch=1, mix=8)
    places = [[order.step(e, t)[0] for t in range(40)].index(0) for e in range(400)]
    assert abs(np.mean(places) - 19.5) < 2
    assert min(places) == 0
    assert max(places) == 39


def test_with_a_lane_for_each_machine_a_machine_reads_its_own_shards() -> None:
    def shards_of(rank: int, lanes: int) -> int:
        order = order_of([20] * 40, batch=16, mix=2, lanes=lanes)
        shares = [order.share(0, t, rank, 4) for t in range(order.steps)]
        return len({*(np.concatenate(shares) // 20).tolist()})

    assert [shards_of(rank, 1) for rank in range(4)] == [40] * 4
    assert max(shards_of(rank, 4) for rank in range(4)) <= 11


def test_too_few_clips_for_the_ranks_are_refused_with_advice() -> None:
    order_of([8, 8], batch=4).require_for(4)
    with pytest.raises(UsageError, match="steps of 3 clips"):
        order_of([8, 7], batch=4).require_for(4)
    order_of([8, 7], batch=8).require_for(4)
    with pytest.raises(UsageError, match="divides"):
        OrderSettings(batch=4, lanes=3)
    with pytest.raises(DatasetError, match="no clips"):
        order_of([], batch=4)


def test_a_step_takes_equal_parts_of_every_epoch() -> None:
    """No step is short: the remainder is spread."""
    order = order_of([33], batch=8)
    assert order.steps == 5
    lengths = [len(order.step(0, t)) for t in range(5)]
    assert sorted(lengths) == [6, 6, 7, 7, 7]
    assert all(abs(a - b) <= 1 for a, b in pairwise(lengths))
