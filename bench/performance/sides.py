"""Two sides of a comparison, measured alternately, and the goals that they are held to."""

import gc
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

Job = Callable[[], object]


class Spent(NamedTuple):
    """Processor time and wall time, in seconds; of processes that ended in between too."""

    processor: float
    wall: float


class Ratio(NamedTuple):
    """Times as fast as the other side: medians of the ratios of each round."""

    processor: float
    wall: float


@dataclass(frozen=True)
class Goal:
    """One line of the table.

    Attributes
    ----------
    work, against : str
        Our side, and the other.
    least : float
        Ratio that is wanted.
    found : Ratio or None
        Ratio that was measured; None where nothing could be.
    ours, theirs : str
        What each side took.
    by_wall : bool
        True where wall time counts, as for several processes or threads.
    """

    work: str
    against: str
    least: float
    found: Ratio | None
    ours: str = ""
    theirs: str = ""
    by_wall: bool = False

    @property
    def is_met(self) -> bool:
        """True where the ratio is reached."""
        found = self.found
        return bool(found and (found.wall if self.by_wall else found.processor) >= self.least)

    def cells(self) -> list[str]:
        """Return the line's cells."""
        ratios = [f"{value:.2f}" for value in self.found] if self.found else ["not measured", ""]
        met = "yes" if self.is_met else "no" if self.found else ""
        unit = " (wall)" if self.by_wall else ""
        wanted = f"{self.least:g}{unit}"
        return [self.work, self.against, wanted, *ratios, met, self.ours, self.theirs]


HEAD = ["work", "against", "goal", "processor", "wall", "met", "ours", "theirs"]


def spend(job: Job) -> Spent:
    """Do a job, and return its times."""
    gc.collect()
    before, began = _processor(), time.perf_counter()
    job()
    return Spent(_processor() - before, time.perf_counter() - began)


def compare(
    work: str,
    against: str,
    least: float,
    *,
    ours: Job,
    theirs: Job,
    rounds: int,
    per: float = 1.0,
    unit: str = "s",
    share: float = 1.0,
    by_wall: bool = False,
) -> Goal:
    """Measure both sides in turn.

    Parameters
    ----------
    work, against, least, by_wall
        As in :class:`Goal`.
    ours, theirs : callable
        The two jobs.
    rounds : int
        Turns of each.
    per, unit : float, str
        Times are printed divided by `per`, in this unit.
    share : float
        Factor for the times of the other side, where it does another amount of work.
    """
    spent: list[tuple[Spent, Spent]] = []
    for _ in range(rounds):
        one, other = spend(ours), spend(theirs)
        spent.append((one, Spent(other.processor * share, other.wall * share)))
    ratio = Ratio(
        statistics.median(other.processor / one.processor for one, other in spent),
        statistics.median(other.wall / one.wall for one, other in spent),
    )
    texts = [
        f"{statistics.median(side[1] if by_wall else side[0] for side in of_side) / per:.3g} {unit}"
        for of_side in zip(*spent, strict=True)
    ]
    return Goal(work, against, least, ratio, *texts, by_wall)


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
