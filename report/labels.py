"""Labels on a page: the values by which takes are chosen, and words on a clip."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.given.labels import Value

MAX_VALUES = 50  # of a label; one with more is no choice


@dataclass(frozen=True)
class Choice:
    """A label of which a value can be chosen: each value, and the numbers of its clips."""

    name: str
    values: list[tuple[str, list[int]]]


def choices(dataset: Dataset, numbers: Mapping[str, int]) -> list[Choice]:
    """Return the labels that have at most `MAX_VALUES` values in the clips of a page.

    `numbers` are the numbers on the page of its clips, by key.
    """
    found: dict[str, dict[Value, list[int]]] = {
        one.name: defaultdict(list) for one in dataset.labels
    }
    columns = ["key", *(label.column for label in dataset.labels)]
    for row in dataset.actions.rows(columns) if dataset.labels else ():
        for label in dataset.labels:
            if row["key"] in numbers and row[label.column] is not None:
                found[label.name][row[label.column]].append(numbers[row["key"]])
    return [
        Choice(name, [(shown(value), values[value]) for value in sorted(values)])
        for name, values in found.items()
        if 0 < len(values) <= MAX_VALUES
    ]


def words(clip: ActionClip) -> str:
    """Return a clip's labels in words; empty without any."""
    known = ((name, value) for name, value in clip.labels.items() if value is not None)
    return ", ".join(f"{name} {shown(value)}" for name, value in known)


def shown(value: Value) -> str:
    """Return the text of a value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
