"""Takes of one subject that perhaps show another person, by the shape of the face at rest.

Shapes of one person differ by 0.003 to 0.006 interocular distances within a session, and by 0.02 to
0.036 between takes whose heads are turned by some 10 degrees; those of two people by 0.064 in the
median, and in nine of ten pairs by more than 0.035. So takes are linked where their shapes are
near, through further takes if need be, and all that are not linked with the most are reported.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from fmdata.catalog.health.line import DOUBT, HealthLine, Worst
from fmdata.catalog.storage.schema import N_SHAPE_POINTS

COLUMNS = ("key", "subject", "face_shape")
MAX_APART_IOD = 0.035  # root mean square over the points


def other_persons(tables: Iterable[pa.Table]) -> tuple[int, Worst]:
    """Return the number of clips, and those that perhaps show another person, the farthest first.

    `tables` have the columns :data:`COLUMNS` of all clips, in the order of a dataset, which keeps a
    subject's clips together. One subject is in memory.
    """
    n_clips, others = 0, Worst()
    for keys, shapes in _of_subjects(tables):
        n_clips += len(keys)
        seen = ~np.isnan(shapes).any(axis=1)
        for i, apart in zip(np.nonzero(seen)[0], apart_from_the_most(shapes[seen]), strict=True):
            if apart:
                others.add(keys[i], apart)
    return n_clips, others


def lines(tables: Iterable[pa.Table]) -> list[HealthLine]:
    """Return the line about takes of perhaps another person, if there are any."""
    of, others = other_persons(tables)
    if not others.count:
        return []
    text = "Perhaps another person than in the subject's other takes in "
    todo = "look who it is; name the person to follow with `--person` or in a table"
    text += f"{others.count} of {of} clips"
    return [HealthLine("person", DOUBT, text, todo, others.count, of, others.keys())]


def _of_subjects(tables: Iterable[pa.Table]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the keys and the shapes, float [N, 120], of each subject; NaN where there is none."""
    subject, keys, shapes = None, list[str](), list[np.ndarray]()
    for table in tables:
        names = np.array(table["subject"].to_pylist(), object)
        firsts = [0, *(np.nonzero(names[1:] != names[:-1])[0] + 1).tolist(), len(names)]
        for start, stop in pairwise(firsts if len(names) else []):
            part = table.slice(start, stop - start)
            if names[start] != subject and keys:
                yield keys, np.concatenate(shapes)
                keys, shapes = [], []
            subject = names[start]
            keys += part["key"].to_pylist()
            shapes.append(_shapes(part["face_shape"]))
    if keys:
        yield keys, np.concatenate(shapes)


def _shapes(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of shapes as float [N, 120]; NaN where there is none."""
    shapes = np.full((len(column), 3 * N_SHAPE_POINTS), np.nan)
    known = column.is_valid().to_numpy()
    shapes[known] = (
        column.drop_null().combine_chunks().flatten().to_numpy().reshape(-1, 3 * N_SHAPE_POINTS)
    )
    return shapes


def apart_from_the_most(shapes: np.ndarray) -> list[float]:
    """Return how far each shape is from the largest group of linked ones; 0 within that group.

    Parameters
    ----------
    shapes : float [N, 120]
        Points of each face, in interocular distances; the distance of two is the root mean square
        over their points.
    """
    groups = _groups(shapes)
    if len(groups) < 2:
        return [0.0] * len(shapes)
    most = max(groups, key=len)  # of equal ones, the first
    inside = set(most)
    return [
        0.0 if i in inside else float(_distances(shapes[i], shapes[most]).min())
        for i in range(len(shapes))
    ]


def _groups(shapes: np.ndarray) -> list[list[int]]:
    """Return the positions of shapes that are linked, directly or through others."""
    left, groups = np.arange(len(shapes)), []
    while len(left):
        group, left = [int(left[0])], left[1:]
        for i in group:  # grows while it is walked
            near = _distances(shapes[i], shapes[left]) <= MAX_APART_IOD
            group += left[near].tolist()
            left = left[~near]
        groups.append(sorted(group))
    return groups


def _distances(shape: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distance of one shape [120] from each of others [N, 120], float64 [N]."""
    apart: np.ndarray = np.sqrt(((others - shape) ** 2).sum(axis=1) / N_SHAPE_POINTS)
    return apart
