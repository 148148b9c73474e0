"""Recordings with the same bytes: one file under two names, two subjects or two takes.

The same frames as two takes make a positive pair of one picture, and as two subjects they put one
person on both sides of a split.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Use:
    """One use of a file's bytes: its digest, the subject, a name for messages, and the span."""

    sha256: str
    subject: str
    name: str
    start_s: float | None = None
    stop_s: float | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Span in seconds; an end of the file is infinite."""
        start = -inf if self.start_s is None else self.start_s
        return start, inf if self.stop_s is None else self.stop_s


def duplicates(uses: Iterable[Use]) -> list[list[Use]]:
    """Return the groups of two and more uses of the same bytes in spans that overlap.

    Different spans of one file are no duplicates: a session cut into takes is the usual case.
    """
    by_bytes: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        by_bytes[use.sha256].append(use)
    groups: list[list[Use]] = []
    for same in by_bytes.values():
        end = -inf
        for use in sorted(same, key=lambda u: (u.span, u.name)):
            start, stop = use.span
            if start < end:
                groups[-1].append(use)
            else:
                groups.append([use])
            end = max(end, stop)
    found = [sorted(group, key=lambda u: u.name) for group in groups if len(group) > 1]
    return sorted(found, key=lambda group: group[0].name)


def n_subjects(group: Iterable[Use]) -> int:
    """Return the number of subjects among some uses."""
    return len({use.subject for use in group})
