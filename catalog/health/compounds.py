"""Checks of the compounds: seams, takes that copies share, missing copies."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fmdata.catalog.health.line import DOUBT, NOTE, PROBLEM, HealthLine, Worst
from fmdata.catalog.health.sharing import n_sharing

COLUMNS = ("subject", "key", "first", "second", "first_take", "second_take", "seam")
BAD_SEAM = 10.0  # times the usual change between frames


class CompoundChecks:
    """All checks of compounds, subject by subject.

    Parameters
    ----------
    k : int
        Copies of each compound that were asked for.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._seams, self._shared, self._short = Worst(), Worst(), Worst()
        self._compounds = self._cells = 0

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Check all compounds of one subject."""
        cells: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            self._compounds += 1
            cells[row["first"], row["second"]].append(row)
            if row["seam"] is not None and row["seam"] > BAD_SEAM:
                self._seams.add(row["key"], row["seam"])
        for copies in cells.values():
            self._cells += 1
            takes = Counter((row["first_take"], row["second_take"]) for row in copies)
            shared = n_sharing(takes)
            if shared:
                self._shared.add(copies[0]["key"], shared)
            if len(copies) < self._k:
                self._short.add(copies[0]["key"], self._k - len(copies))

    def lines(self) -> list[HealthLine]:
        """Return a line for each check that some compounds do not pass."""
        found = (
            ("seams", PROBLEM, self._seams, self._compounds,
             f"Bad seam (over {BAD_SEAM:.0f} times the usual change between frames, up to "
             f"{self._seams.worst:.1f}) in {{n}} of {{of}} compounds",
             "`fmdata synth-compound --smooth` joins what fits best"),
            ("short", DOUBT, self._short, self._cells,
             f"Fewer than {self._k} copies in {{n}} of {{of}} cells",
             "record more takes of these actions"),
            ("shared", NOTE, self._shared, self._cells,
             "Copies that share a take in {n} of {of} cells",
             "record more takes; training leaves pairs out that share one"),
        )  # fmt: skip
        return [
            HealthLine(kind, grade, text.format(n=worst.count, of=of), todo, worst.count, of,
                       worst.keys())
            for kind, grade, worst, of, text, todo in found
            if worst.count
        ]  # fmt: skip
