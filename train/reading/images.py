"""Mini-batches of single frames, drawn from the frames of a window of clips.

A clip is read once for several of its frames, since to read one frame costs nearly as much. The
frames of a window of clips are shuffled and cut into whole mini-batches, then the next window
follows; in another epoch a clip is in another window.
Promise: a mini-batch is a function of (seed, number, process). Memory holds the frames of one
window, and those that the workers have ready.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.train import distributed
from fmdata.train.reading.loader import Loader, LoaderSettings

BATCHES_PER_WINDOW = 16
Arrays = tuple[np.ndarray, ...]


class ImageBatches:
    """Mini-batches of frames, epoch after epoch.

    Parameters
    ----------
    clips : Clips
        The actions of a dataset.
    make : callable
        Returns arrays of some frames of a clip, [k, ...] each, k of at most `per_clip`; importable.
    positions : int64 [N]
        Positions of the clips to read, increasing.
    batch, per_clip : int
        Frames of a mini-batch of this process, and of a clip.
    seed, workers : int
        Seed of the order, and number of processes that read.

    Raises
    ------
    DatasetError, UsageError
        As :class:`Loader`.
    """

    def __init__(
        self,
        clips: Clips[Any],
        make: Callable[[Any], Arrays],
        positions: np.ndarray,
        *,
        batch: int,
        per_clip: int,
        seed: int,
        workers: int,
    ) -> None:
        ranks = distributed.world()
        wanted = -(-BATCHES_PER_WINDOW * batch // per_clip)
        n_clips = min(wanted, max(1, len(positions) // ranks))
        settings = LoaderSettings(batch=n_clips * ranks, seed=seed, workers=workers, ahead=1)
        self._loader = Loader(clips, _Make(make), settings, positions)
        self._batch, self._seed, self._where = batch, seed, str(clips.folder.parent)
        n_read = len(positions) // self._loader.steps // ranks  # or one more
        self._per_window = max(1, n_read * per_clip // batch)

    def batches(self, first: int) -> Iterator[Arrays]:
        """Yield mini-batches of arrays, [B, ...] each, from the number of one on, for ever."""
        window, slot = divmod(first, self._per_window)
        for read in self._loader.batches(*divmod(window, self._loader.steps)):
            arrays = tuple(np.concatenate(parts) for parts in zip(*read.items, strict=True))
            order = self._order(len(arrays[0]), read.epoch, read.step)
            for start in range(slot * self._batch, len(order), self._batch):
                chosen = order[start : start + self._batch]
                yield tuple(values[chosen] for values in arrays)
            slot = 0

    def _order(self, n: int, epoch: int, step: int) -> np.ndarray:
        """Shuffle the frames of a window; if there are too few, some come again."""
        if n == 0:
            raise DatasetError(
                "no usable frame in the clips to train on",
                wanted="detected faces and, for expressions, motions of known actions",
                where=self._where,
                todo="add recordings and build again",
            )
        rng = np.random.default_rng([self._seed, epoch, step, distributed.rank(), 2])
        return np.resize(rng.permutation(n), self._per_window * self._batch)


class _Make:
    """The maker of a clip's arrays, as the loader calls it."""

    def __init__(self, make: Callable[[Any], Arrays]) -> None:
        self._make = make

    def __call__(self, clip: Any, rng: np.random.Generator) -> Arrays:
        return self._make(clip)
