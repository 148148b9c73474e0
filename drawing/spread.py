"""Choice of the frames that stand for a clip."""

from collections.abc import Iterable
from itertools import pairwise


def spread(n_frames: int, marks: Iterable[int], most: int) -> list[int]:
    """Return at most so many frames of a clip: all marked ones, both ends, and others evenly.

    Every further frame goes where the distances are longest. Marks are kept even where they are
    too many.
    """
    chosen = set(marks)
    for end in (0, n_frames - 1):
        if len(chosen) < most:
            chosen.add(end)
    gaps = dict.fromkeys(pairwise(sorted(chosen)), 1)  # and the parts into which each is divided
    for _ in range(min(most, n_frames) - len(chosen)):
        a, b = max(gaps, key=lambda gap: (gap[1] - gap[0]) / gaps[gap], default=(0, 0))
        if b - a <= gaps.get((a, b), b - a):
            break
        gaps[a, b] += 1
    inner = (a + i * (b - a) // n for (a, b), n in gaps.items() for i in range(1, n))
    return sorted({*chosen, *inner})
