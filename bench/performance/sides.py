"""Two sides of a comparison, measured alternately, and the goals that they are held to."""

import gc
import resource
import statistics
import time
from collections.abc import Callable, Sequence
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


def alternate(jobs: Sequence[Job], rounds: int) -> list[list[Spent]]:
    """Do all jobs in turn, several times; return the times of each."""
    spent = [[spend(job) for job in jobs] for _ in range(rounds)]
    return [list(of_job) for of_job in zip(*spent, strict=True)]


@dataclass(frozen=True)
class Unit:
    """Unit in which times are printed, in seconds, and its name."""

    seconds: float = 1.0
    name: str = "s"


SECONDS = Unit()


def judge(
    work: str,
    against: str,
    least: float,
    ours: Sequence[Spent],
    theirs: Sequence[Spent],
    unit: Unit = SECONDS,
    *,
    share: float = 1.0,
    by_wall: bool = False,
) -> Goal:
    """Return a line from the times of both sides.

    Parameters
    ----------
    work, against, least, by_wall
        As in :class:`Goal`.
    ours, theirs : sequence of Spent
        The times of each round.
    unit : Unit
        Unit of the printed times.
    share : float
        Factor for the times of the other side, where it does another amount of work.
    """
    theirs = [Spent(one.processor * share, one.wall * share) for one in theirs]
    pairs = list(zip(ours, theirs, strict=True))
    ratio = Ratio(
        statistics.median(other.processor / one.processor for one, other in pairs),
        statistics.median(other.wall / one.wall for one, other in pairs),
    )
    texts = [
        f"{statistics.median(one[by_wall] for one in side) / unit.seconds:.3g} {unit.name}"
        for side in (ours, theirs)
    ]
    return Goal(work, against, least, ratio, *texts, by_wall)


def compare(
    work: str,
    against: str,
    least: float,
    ours: Job,
    theirs: Job,
    rounds: int,
    unit: Unit = SECONDS,
    *,
    share: float = 1.0,
    by_wall: bool = False,
) -> Goal:
    """Measure both sides in turn; the rest as in :func:`judge`."""
    spent = alternate([ours, theirs], rounds)
    return judge(work, against, least, *spent, unit, share=share, by_wall=by_wall)


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
