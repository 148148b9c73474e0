"""Error rates by condition: across days, by amplitude, tempo, head turn, and flashes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fmdata.train.verification.clips import ComparedClips
from fmdata.train.verification.comparisons import GROUPS, PAPER, Comparisons, Kind
from fmdata.train.verification.operating import Threshold
from fmdata.train.verification.rates import Interval, accepted_share

# Upper ends of the first two of three levels.
RATIOS = 1.25, 1.6
DEGREES = 5.0, 15.0


@dataclass(frozen=True)
class ConditionRow:
    """FRR and FAR of the comparisons of one level of a condition; the same person throughout.

    Attributes
    ----------
    condition, level : str
        E.g. ``amplitude ratio`` and ``1.25 to 1.6``.
    frr, far : Interval
        NaN where there are no such comparisons.
    n_genuine, n_impostors : int
        Number of comparisons.
    """

    condition: str
    level: str
    frr: Interval
    far: Interval
    n_genuine: int
    n_impostors: int

    def __str__(self) -> str:
        parts = [f"FRR {self.frr} of {self.n_genuine}"] if self.n_genuine else []
        parts += [f"FAR {self.far} of {self.n_impostors}"] if self.n_impostors else []
        return ", ".join(parts)


def by_condition(
    scored: Comparisons, clips: ComparedClips, threshold: Threshold
) -> list[ConditionRow]:
    """Return the error rates of each level of each condition that the clips have."""
    threshold.require_unseen(scored)
    genuine = scored.where(scored.of(Kind.GENUINE))
    impostors = scored.where(scored.of(*GROUPS[PAPER]))
    rows = []
    for condition, (level_of, names) in _conditions(clips).items():
        levels = level_of(genuine), level_of(impostors)
        for level, name in enumerate(names):
            mine, others = genuine.where(levels[0] == level), impostors.where(levels[1] == level)
            if len(mine) or len(others):
                frr = _share(mine, threshold).complement
                far = _share(others, threshold)
                rows.append(ConditionRow(condition, name, frr, far, len(mine), len(others)))
    return rows


def _share(some: Comparisons, threshold: Threshold) -> Interval:
    if not len(some):
        return Interval(np.nan, np.nan, np.nan)
    return accepted_share(some, threshold.similarity)


_Levels = Callable[[Comparisons], np.ndarray]


def _conditions(clips: ComparedClips) -> dict[str, tuple[_Levels, list[str]]]:
    """Return, by condition, a function from comparisons to levels, int [P], and their names.

    A level of -1 is unknown.
    """

    def day(some: Comparisons) -> np.ndarray:
        one, other = clips.day[some.enrolled], clips.day[some.probe]
        return np.where((one < 0) | (other < 0), -1, one != other)

    def ratio(values: np.ndarray) -> _Levels:
        def level(some: Comparisons) -> np.ndarray:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratios = np.abs(np.log(values[some.enrolled] / values[some.probe]))
            return _cut(ratios, np.log(RATIOS))

        return level

    def turn(some: Comparisons) -> np.ndarray:
        apart = clips.facing[some.enrolled] - clips.facing[some.probe]
        return _cut(np.linalg.norm(apart, axis=1), np.array(DEGREES))

    def flash(some: Comparisons) -> np.ndarray:
        return clips.flash[some.enrolled].astype(int) + clips.flash[some.probe]

    ratios = [f"up to {RATIOS[0]}", f"{RATIOS[0]} to {RATIOS[1]}", f"above {RATIOS[1]}"]
    low, high = DEGREES
    degrees = [f"up to {low:g}°", f"{low:g} to {high:g}°", f"above {high:g}°"]
    return {
        "day": (day, ["same", "another"]),
        "amplitude ratio": (ratio(clips.amplitude), ratios),
        "tempo ratio": (ratio(clips.seconds), ratios),
        "head turn between the two": (turn, degrees),
        "flashes": (flash, ["none", "one of the two", "both"]),
    }


def _cut(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the level of each value, int [P]; -1 for values that are not finite."""
    return np.where(np.isfinite(values), np.searchsorted(ends, values, side="left"), -1)
