"""Recordings with the same bytes: one file under two names, two subjects or two takes.

The same frames as two takes make a positive pair of one picture, and as two subjects they put one
person on both sides of a split.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, inf
from typing import Any

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.storage.tables.index import digest, digests, repeated

COLUMNS = (
    "source_sha256", "subject", "key", "start", "stop", "person", "face_x", "face_y", "face_px",
)  # fmt: skip


@dataclass(frozen=True)
class Use:
    """One use of a file's bytes: its digest, the subject, a name of its own, the span, the person.

    `person` is which of several people was asked for; `face` is where the one was found who was
    followed, as x, y and interocular distance in pixels, once that is known.
    """

    sha256: str
    subject: str
    name: str
    start_s: float | None = None
    stop_s: float | None = None
    person: str = ""
    face: tuple[float, float, float] | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Use":
        """Return the use of a clip's row, by its columns :data:`COLUMNS`."""
        return cls(
            row["source_sha256"], row["subject"], row["key"], row["start"], row["stop"],
            row["person"], (row["face_x"], row["face_y"], row["face_px"]),
        )  # fmt: skip

    @property
    def span(self) -> tuple[float, float]:
        """Span in seconds; the end of the file is infinite."""
        start = 0.0 if self.start_s is None else self.start_s
        return start, inf if self.stop_s is None else self.stop_s


def same_bytes(clips: Clips[ActionClip]) -> list[list[Use]]:
    """Return the groups of clips with the same source; of other clips, eight bytes are held."""
    tables = clips.tables(["source_sha256"])
    if not (twice := repeated(digests(table["source_sha256"].to_pylist()) for table in tables)):
        return []
    rows = clips.rows(COLUMNS)
    return duplicates({Use.of_row(row) for row in rows if digest(row["source_sha256"]) in twice})


def duplicates(uses: Iterable[Use]) -> list[list[Use]]:
    """Return the groups of two and more uses of the same bytes.

    Uses of one subject are the same if at least half of the shorter span lies in the other: takes
    cut from one session may share a few frames at rest. Two subjects must not share any. Two people
    in one picture are no copies.
    """
    by_bytes: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        by_bytes[use.sha256].append(use)
    found = [group for same in by_bytes.values() for group in _groups(same)]
    return sorted(found, key=lambda group: group[0].name)


def _groups(uses: Iterable[Use]) -> list[list[Use]]:
    """Return the groups among uses of one file; each is sorted by name."""
    group_of: dict[Use, list[Use]] = {}
    active: list[Use] = []
    for use in sorted(uses, key=lambda u: (u.span, u.name)):
        group_of[use] = [use]
        active = [other for other in active if other.span[1] > use.span[0]]
        for other in active:
            if _share(use, other) and group_of[other] is not group_of[use]:
                group_of[other] += group_of[use]
                group_of |= dict.fromkeys(group_of[use], group_of[other])
        active.append(use)
    groups = {id(group): group for group in group_of.values() if len(group) > 1}
    return [sorted(group, key=lambda u: u.name) for group in groups.values()]


def _share(one: Use, other: Use) -> bool:
    """Return whether two overlapping uses count as the same."""
    if _are_two_people(one, other):
        return False
    if one.subject != other.subject:
        return True
    start, stop = max(one.span[0], other.span[0]), min(one.span[1], other.span[1])
    lengths = [use.span[1] - use.span[0] for use in (one, other)]
    return 2 * (stop - start) >= min(lengths)


def _are_two_people(one: Use, other: Use) -> bool:
    """Return whether two uses of one picture follow two of the people in it."""
    if one.face is None or other.face is None:
        return one.person != other.person
    (x1, y1, iod1), (x2, y2, iod2) = one.face, other.face
    return hypot(x1 - x2, y1 - y2) > max(iod1, iod2)


def n_subjects(group: Iterable[Use]) -> int:
    """Return the number of subjects among some uses."""
    return len({use.subject for use in group})
