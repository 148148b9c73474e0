"""Takes that are far from the others of their action, of the same subject.

A motion is far when it is over twice as large or as long as the median of the takes, or under half,
and beyond three standard deviations, by the median absolute deviation of the logarithms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fmdata.catalog.health.clips import has_motion
from fmdata.catalog.health.line import DOUBT, HealthLine, Worst

COLUMNS = ("action", "onset", "apex", "offset", "fps", "style", "amplitude")
MIN_TAKES = 4
MIN_RATIO, MIN_DEVIATIONS = 2.0, 3.0
_MAD_TO_STD = 1.4826


class TakeChecks:
    """Compares the takes of each action, subject by subject."""

    def __init__(self) -> None:
        self._far = Worst()
        self._clips = 0

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Compare all clips of one subject."""
        takes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            self._clips += 1
            if has_motion(row):
                takes[row["action"]].append(row)
        for of_action in takes.values():
            far: dict[str, float] = {}
            returning = [row for row in of_action if row["style"] == "return"]
            lengths = [float(row["offset"] - row["onset"]) for row in returning]
            with np.errstate(all="ignore"):  # a rate of 0 gives infinite times
                lengths_s = np.divide(lengths, [row["fps"] for row in returning]).tolist()
            for some, values in (
                (of_action, [row["amplitude"] for row in of_action]),
                (returning, lengths_s),
            ):
                for row, distance in zip(some, distances(values), strict=True):
                    if distance:
                        far[row["key"]] = max(distance, far.get(row["key"], 0))
            for key, distance in far.items():
                self._far.add(key, distance)

    def lines(self) -> list[HealthLine]:
        """Return the line about takes far from the others, if there are any."""
        if not self._far.count:
            return []
        n, of = self._far.count, self._clips
        text = f"Motion far from the other takes of its action (twice or half) in {n} of {of} clips"
        todo = "look whether the take shows the same action"
        return [HealthLine("far", DOUBT, text, todo, n, of, self._far.keys())]


def distances(values: list[float]) -> list[float]:
    """Return the distance of each take from the others, as a logarithm; 0 where it is not far."""
    if len(values) < MIN_TAKES or min(values) <= 0:
        return [0.0] * len(values)
    with np.errstate(invalid="ignore"):  # infinite values are not far from one another
        logs = np.log(values)
        off = np.abs(logs - np.median(logs))
    limit = max(np.log(MIN_RATIO), MIN_DEVIATIONS * _MAD_TO_STD * float(np.median(off)))
    return [float(one) if one > limit else 0.0 for one in off]
