"""The result of a build, and its report for the user."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fmdata.catalog.printable import printable
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card
from fmdata.catalog.types import Dropped

_MAX_LISTED = 100  # dropped recordings, _MAX_GROUPS of equal ones and _MAX_KEYS keys, in a report
_MAX_GROUPS = 20
_MAX_KEYS = 5


@dataclass(frozen=True)
class Built:
    """The result of a build; ``str()`` of it is a report of a few lines.

    Attributes
    ----------
    out : Path or str
        Folder of the dataset, or its URL.
    card : Card
        The dataset's card.
    dropped : list of Dropped
        Dropped recordings, sorted by subject, action and take.
    reused : int
        Recordings whose work was done before.
    removed : int
        Clips of an earlier build that are not in the dataset any more.
    frames, seconds : int, float
        Frames of the clips made in this run, and the time for them.
    motionless : list of str
        Keys of the clips without a motion.
    several : list of str
        Keys of the clips with more than one motion.
    others : list of str
        Keys of the clips that perhaps show another person than the subject's other takes.
    unread : list of str
        Keys of the clips whose recordings cannot be read at present; the clips stay.
    repeated : list of list of str
        Recordings with the same bytes, group by group, by their paths below the raw folder.
    review : list of str
        Marks of a review that were applied, and those that were not.
    sources : dict of str to str
        Paths of the recordings below the raw folder, by source in the dataset; the two differ only
        with pseudonyms.
    notes : list of str
        Files that were ignored, and names that were read as one.
    understood : list of str
        Subjects, actions and takes, and signs of another layout.
    """

    out: Path | str
    card: Card
    dropped: list[Dropped]
    reused: int
    removed: int
    frames: int
    seconds: float
    motionless: list[str]
    several: list[str]
    others: list[str]
    unread: list[str]
    repeated: list[list[str]]
    review: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    understood: list[str] = field(default_factory=list)

    @property
    def clips(self) -> int:
        """Number of clips in the dataset."""
        return self.card.actions.samples

    @property
    def recordings(self) -> int:
        """Number of recordings, each a clip or dropped."""
        return self.card.recordings

    def __str__(self) -> str:
        first = f"{self.recordings} recordings: {self.clips} clips, {len(self.dropped)} dropped"
        first += f", {self.reused} of them done before" if self.reused else ""
        first += f"; {self.frames / max(self.seconds, 1e-9):.0f} frames/s" if self.frames else ""
        lines = [first, *(f"  {note}" for note in self.notes)]
        lines += [f"  {line}" for line in self.review]
        if self.removed:
            lines.append(f"  {self.removed} clips of the earlier build are no longer in it")
        if self.motionless:
            some = _first(self.motionless)
            lines.append(f"  no motion was found in {len(self.motionless)} of the clips: {some}")
        if self.several:
            some, n = _first(self.several), len(self.several)
            lines.append(f"  {n} clips have more than one motion, the largest is taken: {some}")
        if self.others:
            some, n = _first(self.others), len(self.others)
            lines.append(f"  {n} clips perhaps show another person than other takes: {some}")
        if self.unread:
            some = _first(self.unread)
            n = len(self.unread)
            lines.append(f"  {n} recordings cannot be read now, their clips stay: {some}")
        lines += [*self._repeated_lines(), *self._dropped_lines()]
        lines += [f"  {line}" for line in self.understood]
        return "\n".join([*lines, f"dataset in {self.out}"])

    def _repeated_lines(self) -> list[str]:
        lines = [
            "  the same bytes: " + " and ".join(map(printable, group))
            for group in self.repeated[:_MAX_GROUPS]
        ]
        if len(self.repeated) > _MAX_GROUPS:
            lines.append(f"  and {len(self.repeated) - _MAX_GROUPS} more groups of the same bytes")
        return lines

    def _dropped_lines(self) -> list[str]:
        lines = [
            f"  dropped {printable(self._shown(one.source) + _span(one))} "
            f"({one.stage}, {one.reason}): {printable(one.detail)}"
            for one in self.dropped[:_MAX_LISTED]
        ]
        if len(self.dropped) > _MAX_LISTED:
            lines.append(f"  and {len(self.dropped) - _MAX_LISTED} more")
        if self.dropped:
            lines.append(f"  all dropped recordings with reasons: {self.out}/{card_file.DROPPED}")
        return lines

    def _shown(self, source: str) -> str:
        return self.sources.get(source, source)


def _span(dropped: Dropped) -> str:
    """Return the take of a dropped recording that is a span of its file."""
    if dropped.start is None and dropped.stop is None:
        return ""
    start = "start" if dropped.start is None else f"{dropped.start:g}"
    stop = "end" if dropped.stop is None else f"{dropped.stop:g} s"
    take = f"{dropped.subject} {dropped.action} {dropped.take}"
    return f", take {take} from {start} to {stop}"


def _first(keys: Sequence[str]) -> str:
    return ", ".join(keys[:_MAX_KEYS]) + (", …" if len(keys) > _MAX_KEYS else "")
