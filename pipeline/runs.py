"""Runs of frames: where a mask holds, and runs joined over short gaps."""

import numpy as np


def runs_of(mask: np.ndarray) -> list[tuple[int, int]]:
    """List the runs ``[start, stop)`` of True in a mask, bool [T].

    >>> runs_of(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def merged(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Join runs that at most `gap` frames separate.

    >>> merged([(1, 3), (4, 5), (9, 10)], gap=1)
    [(1, 5), (9, 10)]
    """
    joined = runs[:1]
    for start, stop in runs[1:]:
        if start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined
