"""The order of the clips of an epoch, for any number of processes: a function of (seed, epoch).

The rules, for N clips and a batch of B (all ranks together):

- An epoch has ``ceil(N / B)`` steps for every rank. No clip is left out and none is repeated: the
  remainder is spread over all steps, so a step has at most B clips and, with one lane, at most one
  less than another. Each rank takes an equal part of a step, to within one clip.
- The clips of a step do not depend on ranks or workers. So (epoch, step) alone say what is left of
  an epoch, for any ranks and workers that
  read it from there on.
- Shards are visited in an order drawn anew for each epoch, and the clips of neighbouring shards
  change places: a clip moves by at most `mix` shards. A reader thus needs about `mix` shards at a
  time, each of them once an epoch; a uniform order of all clips would need another shard for each
  clip. Memory holds sixteen bytes a clip, and no pixels.
- With several lanes, a step takes equal parts from places far apart in that order, and each rank
  reads from few of them: with a lane for each machine, a machine fetches about its share of the
  shards instead of all.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.settings import Settings, number


@dataclass(frozen=True)
class OrderSettings(Settings):
    """Settings of the order; together with the epoch they decide it."""

    batch: int = number(32, 1, help="Clips of a step, all ranks together, at most.")
    mix: int = number(8, 1, help="Shards whose clips are mixed; about so many are read at a time.")
    lanes: int = number(
        1, 1, help="Places of the order that are read at a time: one for each machine makes each "
        "fetch its own shards. A number that divides the batch."
    )  # fmt: skip
    seed: int = number(0, help="Seed of the order, and of what is drawn for each clip.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch % self.lanes:
            raise self.refused("lanes", self.lanes, f"a number that divides `batch`, {self.batch}")


class Order:
    """The order of some clips.

    Parameters
    ----------
    positions : int64 [N]
        Positions of the clips in their half of the dataset, increasing.
    shards : int64 [N]
        Number of the shard of each.
    settings : OrderSettings

    Attributes
    ----------
    steps : int
        Steps of an epoch.
    n_shards : int
        Shards that have some of the clips.

    Raises
    ------
    DatasetError
        When there are no clips.
    """

    def __init__(self, positions: np.ndarray, shards: np.ndarray, settings: OrderSettings) -> None:
        if len(positions) == 0:
            raise DatasetError(
                "no clips to read",
                wanted="at least one clip",
                where="the clips given to the loader",
                todo="choose other subjects, or add recordings and build again",
            )
        self.settings, self._positions = settings, positions
        names, self._shards = np.unique(shards, return_inverse=True)
        self.n_shards = len(names)
        self.steps = -(-len(positions) // settings.batch)
        bounds = [i * len(positions) // settings.lanes for i in range(settings.lanes + 1)]
        self._lanes = [slice(a, b) for a, b in pairwise(bounds)]
        self._of_epoch = lru_cache(maxsize=2)(self._drawn)

    def __len__(self) -> int:
        return len(self._positions)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._positions, self._shards, self.settings)

    def step(self, epoch: int, step: int) -> np.ndarray:
        """Return the positions of the clips of one step, int64."""
        order, parts = self._of_epoch(epoch), []
        for lane in self._lanes:
            n = lane.stop - lane.start
            begin, end = (lane.start + at * n // self.steps for at in (step, step + 1))
            parts.append(order[begin:end])
        return np.concatenate(parts)

    def share(self, epoch: int, step: int, rank: int, ranks: int) -> np.ndarray:
        """Return the positions that one of several ranks reads in a step, int64."""
        chosen = self.step(epoch, step)
        return chosen[rank * len(chosen) // ranks : (rank + 1) * len(chosen) // ranks]

    def require_for(self, ranks: int) -> None:
        """Raise UsageError where a rank would have no clip in a step."""
        fewest = sum((lane.stop - lane.start) // self.steps for lane in self._lanes)
        if fewest < ranks:
            raise UsageError(
                f"steps of {fewest} clips ({len(self)} in batches of at most "
                f"{self.settings.batch}) for {ranks} processes",
                wanted="a clip for each process in each step",
                where="the setting `batch`",
                todo="take a batch of at least two clips a process, whose gradients may be "
                "accumulated one by one, or start fewer processes",
            )

    def _drawn(self, epoch: int) -> np.ndarray:
        """Return all positions in the order of an epoch, int64 [N]."""
        rng = np.random.default_rng([self.settings.seed, epoch])
        places = rng.permutation(self.n_shards)[self._shards]
        order = self._positions[np.lexsort((rng.random(len(self)), places))]
        reach = self.settings.mix * len(self) / self.n_shards
        return np.concatenate([_mixed(order[lane], reach, rng) for lane in self._lanes])


def _mixed(order: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Shuffle an array so that no entry moves by more than `reach`; all of it if that is less."""
    if reach >= len(order):
        return rng.permutation(order)
    # Entries more than `reach` apart keep their order, so one is overtaken by `reach` at most.
    return order[np.argsort(np.arange(len(order)) + reach * rng.random(len(order)), kind="stable")]
