"""Choice of the clips that a page shows: all; of very many the odd ones, and a sample."""

import heapq
from collections.abc import Sequence
from itertools import chain

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.health.line import HealthLine
from fmdata.catalog.keys import draw_seed

MAX_SHOWN = 2000


def chosen(dataset: Dataset, lines: Sequence[HealthLine], most: int = MAX_SHOWN) -> set[str]:
    """Return the keys of the clips to show, at most so many.

    The odd ones are taken from the worst line on. The sample of the others depends on their keys
    alone, so that a further subject exchanges few of them.
    """
    keys = chain.from_iterable(
        table["key"].to_pylist() for table in dataset.actions.tables(["key"])
    )
    if len(dataset.actions) <= most:
        return set(keys)
    of_clips = (line for line in lines if line.is_about_clips)
    odd = list(dict.fromkeys(chain.from_iterable(line.keys for line in of_clips)))[:most]
    taken = set(odd)
    others = (key for key in keys if key not in taken)
    return taken | set(heapq.nsmallest(most - len(odd), others, lambda k: draw_seed("report", k)))
