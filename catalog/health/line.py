"""A line of a dataset's health: a sentence with a number, the clips, and the next step."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_KEYS = 2000  # of a line; the worst are kept
_SHOWN = 3  # keys in the text for the user
# From worst to least: data lost or wrong; a clip to look at; a fact to know.
PROBLEM, DOUBT, NOTE = "problem", "doubt", "note"
GRADES = (PROBLEM, DOUBT, NOTE)
DROPPED = "dropped:"  # begins the kind of a line about dropped recordings
OF_COMPOUNDS = ("seams", "short", "shared", "stale")


@dataclass(frozen=True)
class HealthLine:
    """One finding about a whole dataset; ``str()`` of it is the text for the user.

    Attributes
    ----------
    kind : str
        Name of the check, such as ``flash``; of dropped recordings ``dropped:`` and the reason.
    grade : str
        ``problem``, ``doubt`` or ``note``, from worst to least.
    text : str
        The sentence, with its number.
    todo : str
        The next step for the user.
    count, of : int
        Number of clips (recordings, cells, folds) concerned, and of all.
    keys : tuple of str
        Keys of the clips or compounds, worst first, at most `MAX_KEYS`; of dropped recordings their
        sources.
    """

    kind: str
    grade: str
    text: str
    todo: str
    count: int
    of: int
    keys: tuple[str, ...] = ()

    @property
    def is_about_clips(self) -> bool:
        """True where `keys` are those of clips of the actions."""
        return self.kind not in OF_COMPOUNDS and not self.kind.startswith(DROPPED)

    @property
    def is_about_compounds(self) -> bool:
        """True where `keys` are those of compounds."""
        return self.kind in OF_COMPOUNDS

    @property
    def share(self) -> float:
        """Share of the clips that is concerned, 0 to 1."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        named = ", ".join(self.keys[:_SHOWN])
        more = f" and {self.count - _SHOWN} more" if self.keys and self.count > _SHOWN else ""
        return f"{self.text}: {named}{more}" if named else self.text

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, by name."""
        return asdict(self) | {"keys": list(self.keys)}


def worst_first(lines: list[HealthLine]) -> list[HealthLine]:
    """Return lines by grade, then by the share of the clips, then by name."""
    return sorted(lines, key=lambda one: (GRADES.index(one.grade), -one.share, one.kind))


class Worst:
    """Counts clips and keeps the keys of the worst, however many are added.

    Attributes
    ----------
    count : int
        Number of clips added.
    worst : float
        Largest badness added; 0 without any.
    """

    def __init__(self) -> None:
        self.count, self.worst = 0, 0.0
        self._kept: list[tuple[float, str]] = []  # negative badness first, so that sorting is plain

    def add(self, key: str, badness: float) -> None:
        """Add a clip; a larger `badness` is worse."""
        self.count += 1
        self.worst = max(self.worst, badness)
        self._kept.append((-badness, key))
        if len(self._kept) >= 2 * MAX_KEYS:
            self._cut()

    def keys(self) -> tuple[str, ...]:
        """Return the keys, worst first, and in their own order where equally bad."""
        self._cut()
        return tuple(key for _, key in self._kept)

    def _cut(self) -> None:
        self._kept.sort()
        del self._kept[MAX_KEYS:]
