"""Clips of one dataset that were made on processors with different features."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from fmdata.catalog.clips import Clips
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.made_by.processor import COLUMN
from fmdata.catalog.verify.finding import Finding

_ADVICE = (
    "nothing, unless the clips must agree to the last digit: then build all of them into another "
    "folder, on processors of one kind; docs/measured.md says how far they differ"
)


def check_processors(halves: Iterable[Clips[Any]]) -> Iterator[Finding]:
    """Note that the clips of a dataset were made on different processors; compounds are copies."""
    made: Counter[str] = Counter()
    for half in halves:
        if half.folder.name == card_file.COMPOUNDS:
            continue
        folder = half.folder.parent
        for table in half.tables([COLUMN]):
            made.update(table[COLUMN].to_pylist())
    if len(made) > 1:
        problem = f"clips made on {len(made)} kinds of processors: {_listed(made)}"
        yield Finding(str(folder / card_file.NAME), problem, _ADVICE, is_note=True)


def _listed(made: Counter[str]) -> str:
    """Return the number of clips of each processor, and its features that not all of them have."""
    features = {processor: processor.split() for processor in made}
    common = set.intersection(*map(set, features.values()))
    kinds = []
    for processor, n in made.most_common():
        own = [feature for feature in features[processor] if feature not in common]
        kinds.append(f"{n} with {' '.join(own) or 'none of the features of the others'}")
    return "; ".join(kinds)
