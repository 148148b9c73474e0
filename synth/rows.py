"""Rows of compounds from their plan: many at once, as a table."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.keys import key_part
from fmdata.catalog.storage.schema import COMPOUND_FACTS, SEGMENT
from fmdata.catalog.types import ROLES
from fmdata.synth.planned import END, LEAD, ONSET, START, STOP, TAIL, Plan

_BEGINS, _ENDS = (LEAD, ONSET, START, END), (ONSET, STOP, END, TAIL)


def rows_of(plan: Plan, start: int, stop: int, fold: int, seams: np.ndarray) -> pa.Table:
    """Return the rows of the compounds ``[start, stop)`` of a plan.

    Parameters
    ----------
    plan : Plan
        The compounds of one subject.
    start, stop : int
        Which of them.
    fold : int
        Fold of the subject.
    seams : float64 [N, 3]
        As :func:`fmdata.synth.seams.measure_seams` returns them.
    """
    chosen = slice(start, stop)
    label, copy = plan.label[chosen], pa.array(plan.copy[chosen])
    one, other = plan.one[chosen], plan.other[chosen]
    n, of = len(label), len(plan.names)
    takes = pa.array([take.key for take in plan.takes], pa.string())
    names = pa.array(plan.names, pa.string())
    rates = np.array([take.rate for take in plan.takes])
    values: dict[str, Any] = {
        "key": pc.binary_join_element_wise(_beginnings(plan, label), copy.cast(pa.string()), ""),
        "subject": pa.repeat(pa.scalar(plan.subject, pa.string()), n),
        "first": names.take(pa.array(label // of)),
        "second": names.take(pa.array(label % of)),
        "copy": copy,
        "label": pa.array(label),
        "fold": pa.array(np.full(n, fold, np.int32)),
        "fps": pa.array(rates[one]),
        "n_frames": pa.array(plan.n_frames[chosen]),
        "first_take": takes.take(pa.array(one)),
        "second_take": takes.take(pa.array(other)),
        "segments": _segments(takes, one, other, plan.cuts[chosen]),
        "seam": pa.array(np.nanmax(seams, axis=1, initial=-1)),
        "seams": _lists(seams),
    }
    return pa.table([values[name] for name in COMPOUND_FACTS.names], schema=COMPOUND_FACTS)


def _beginnings(plan: Plan, label: np.ndarray) -> pa.Array:
    """Return the key of each compound without the number of its copy."""
    parts = [key_part(name) for name in plan.names]
    subject = key_part(plan.subject)
    cells = [f"{subject}-{first}-{second}-c" for first in parts for second in parts]
    return pa.array(cells, pa.string()).take(pa.array(label))


def _segments(takes: pa.Array, one: np.ndarray, other: np.ndarray, cuts: np.ndarray) -> pa.Array:
    sources = np.stack([one, one, other, other], axis=1).ravel()
    roles = pa.array(ROLES, pa.string()).take(pa.array(np.tile(np.arange(4), len(one))))
    columns = [takes.take(pa.array(sources)), pa.array(cuts[:, _BEGINS].ravel()),
               pa.array(cuts[:, _ENDS].ravel()), roles]  # fmt: skip
    structs = pa.StructArray.from_arrays(columns, fields=list(SEGMENT))
    bounds = pa.array(np.arange(len(one) + 1, dtype=np.int32) * 4)
    return pa.ListArray.from_arrays(bounds, structs)


def _lists(values: np.ndarray) -> pa.Array:
    """Return the values of each row that are not nan, as lists."""
    shown = ~np.isnan(values)
    bounds = np.append(0, np.cumsum(shown.sum(axis=1))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(bounds), pa.array(values[shown]))
