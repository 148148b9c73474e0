"""Labels: columns that a table of recordings has beside those that fmdata knows.

A label of the name ``emotion`` is the column ``label_emotion`` of the clips. No column of fmdata's
own begins with ``label_``, so a label never meets one, of this release or of a later one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

PREFIX = "label_"
MAX_LABELS = 100
MAX_BYTES = 8192  # of the labels of one recording, as text in UTF-8
# The types of labels, by the words of the card.
KINDS = {
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
}
Value: TypeAlias = int | float | bool | str
_NAME = re.compile(r"\w+")


@dataclass(frozen=True, order=True)
class Label:
    """A label: its name as in the table, and one of :data:`KINDS`."""

    name: str
    kind: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.kind not in KINDS:
            raise ValueError(f"a label {self.name!r:.80} of the type {self.kind!r:.20}")

    @property
    def column(self) -> str:
        """Name of its column."""
        return PREFIX + self.name

    @property
    def field(self) -> pa.Field:
        """Its column in a table of clips."""
        return pa.field(self.column, KINDS[self.kind])


def labels_of(kinds: Mapping[str, str]) -> tuple[Label, ...]:
    """Return the labels of a card's entry, sorted by name.

    Raises
    ------
    ValueError
        For a name or a type that no label has, or too many of them.
    """
    if len(kinds) > MAX_LABELS:
        raise ValueError(f"{len(kinds)} labels, at most {MAX_LABELS} are read")
    return tuple(sorted(Label(name, kind) for name, kind in kinds.items()))


def kinds_of(labels: Iterable[Label]) -> dict[str, str]:
    """Return the entry of labels in the card: types by name, sorted."""
    return {label.name: label.kind for label in sorted(labels)}


def is_label(column: str) -> bool:
    """Return whether a column of the clips holds a label."""
    return column.startswith(PREFIX)
