"""Plans the compounds of a subject: the frames of each, before a frame is copied.

From section 3.1 of Sun et al. 2023: a subject with N actions has N² compounds C_ij, k copies of
each. A copy is neutral frames before A_i, the motion of A_i, the motion of A_j, and neutral or
apex frames after A_j. A held A_j moves to its apex, and its held frames are the tail.

Promise: a draw depends on the seed, the subject, the two actions, their takes and the copy, and on
nothing else, so a new subject changes no other subject's compounds. Plans are arrays, and all draws
of a subject are made together: a compound takes less than a microsecond.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from fmdata.catalog.keys import key_part
from fmdata.catalog.rest import second_stop
from fmdata.synth.draws import draw_key, numbers, up_to
from fmdata.synth.planned import END, LEAD, ONSET, TAIL, Cell, Plan
from fmdata.synth.takes import JoinOf, Take, joins_of, order_of, rate_classes, spread


class _Chosen(NamedTuple):
    """The joins of the copies of one C_ij, repeated where there are fewer than copies.

    `joins` is int [k, 4]: places of the two takes, end of the first motion, start of the second.
    """

    joins: np.ndarray
    pairs: int


def plan_subject(
    subject: str,
    actions: Sequence[str],
    takes: Sequence[Take],
    *,
    k: int,
    seed: int,
    join: JoinOf | None = None,
) -> Plan:
    """Plan every compound of one subject.

    Parameters
    ----------
    subject, actions
        Name of the subject, and all its actions. Those without a usable take count too: labels
        follow from them.
    takes, k, seed
        Its usable clips, copies of each compound, and seed of the draws.
    join : callable, optional
        Joins two takes where they fit best. By default takes are drawn, and offset meets onset.
    """
    names, ordered = sorted(actions), sorted(takes, key=lambda t: (t.action, t.key))
    places = {name: [i for i, t in enumerate(ordered) if t.action == name] for name in names}
    pairs = list(product(names, names))
    joins = [
        _chosen(ordered, places[one], places[other], k=k, join=join,
                key=draw_key("pairs", seed, subject, one, other))
        for one, other in pairs
    ]  # fmt: skip
    # Keys of compounds sort as the parts of which they are made.
    by_key = sorted(range(len(pairs)), key=lambda c: tuple(map(key_part, pairs[c])))
    labels = np.array([c for c in by_key if len(joins[c].joins)], np.int64)
    chosen = np.array([joins[c].joins for c in labels], np.int64).reshape(-1, k, 4)
    keys = np.array([draw_key("ends", seed, subject, *pairs[c]) for c in labels], np.uint64)
    cuts = _cuts(ordered, chosen, keys)
    kept = _distinct(chosen, cuts, max(len(ordered), 1))
    made = dict(zip(labels.tolist(), kept.sum(axis=1).tolist(), strict=True))
    n_takes = {name: len(of_action) for name, of_action in places.items()}
    cells = [_cell(pair, n_takes, joins[c], made.get(c, 0), k) for c, pair in enumerate(pairs)]
    return Plan(subject, names, ordered, cells, *_columns(labels, chosen, cuts, kept))


def _columns(
    labels: np.ndarray, chosen: np.ndarray, cuts: np.ndarray, kept: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield label, copy, the two takes and cuts of the copies that are kept, in order of keys."""
    copies = np.array(sorted(range(kept.shape[1]), key=str), np.int32)
    shown = kept[:, copies]
    yield np.broadcast_to(labels[:, None], shown.shape)[shown].astype(np.int32)
    yield np.broadcast_to(copies, shown.shape)[shown]
    for values in (chosen[..., 0], chosen[..., 1], cuts):
        yield values[:, copies][shown].astype(np.int32)


def _chosen(
    takes: Sequence[Take],
    ones: Sequence[int],
    others: Sequence[int],
    *,
    k: int,
    key: int,
    join: JoinOf | None,
) -> _Chosen:
    """Choose the takes of all copies of one C_ij; `ones` and `others` are places in `takes`."""
    if join:
        place = {takes[i].key: i for i in (*ones, *others)}
        found = joins_of([takes[i] for i in ones], [takes[i] for i in others], join)
        joins = [(place[j.one.key], place[j.other.key], j.stop, j.start) for j in spread(found, k)]
        return _Chosen(np.array(joins, np.int64).reshape(-1, 4), len(found))
    same = list(ones) == list(others)
    every = list(ones) if same else [*ones, *others]
    classes = np.array(rate_classes([takes[i] for i in every]), np.int64)
    drawn = numbers(np.array([key], np.uint64), np.arange(len(every), dtype=np.uint64))
    m = len(ones)
    left, right = (
        part[np.lexsort((drawn[part], classes[part]))]
        for part in (np.arange(m), np.arange(0 if same else m, len(every)))
    )
    patterns = tuple(classes[left].tolist()), None if same else tuple(classes[right].tolist())
    order = order_of(*patterns, min(k, m * len(others)))
    if not order.pairs:
        return _Chosen(np.zeros((0, 4), np.int64), 0)
    places = order.places[np.arange(k) % len(order.places)]
    at = np.array(every)
    one, other = at[left[places[:, 0]]], at[right[places[:, 1]]]
    stops = np.array([take.motion.offset for take in takes])[one]
    starts = np.array([take.motion.onset for take in takes])[other]
    return _Chosen(np.stack([one, other, stops, starts], axis=1), order.pairs)


def _cuts(takes: Sequence[Take], chosen: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Draw leads and tails; return where the segments of all copies lie, int64 [C, k, 6].

    The lead ends at the onset of the first motion, the tail begins where the second motion ends:
    at its offset or, where it is held, at its apex. Their lengths are drawn from none to all frames
    that qualify.
    """
    facts = [(t.motion.onset, t.motion.lead, second_stop(t.motion), t.tail_room) for t in takes]
    onset, lead, end, room = np.array(facts, np.int64).reshape(-1, 4).T
    one, other, stop, start = np.moveaxis(chosen, 2, 0)
    counters = np.arange(2 * chosen.shape[1], dtype=np.uint64)
    drawn = numbers(keys[:, None], counters)
    before, after = up_to(drawn[:, 0::2], lead[one]), up_to(drawn[:, 1::2], room[other])
    places = (onset[one] - before, onset[one], stop, start, end[other], end[other] + after)
    return np.stack(places, axis=2)


def _distinct(chosen: np.ndarray, cuts: np.ndarray, n_takes: int) -> np.ndarray:
    """Return the copies that are not identical to an earlier copy of their C_ij, bool [C, k]."""
    lead, tail = cuts[..., ONSET] - cuts[..., LEAD], cuts[..., TAIL] - cuts[..., END]
    # The two takes decide all other cuts.
    code = chosen[..., 0] * n_takes + chosen[..., 1]
    for length in (lead, tail):
        code = code * (length.max(initial=0) + 1) + length
    order = np.argsort(code, axis=1, kind="stable")
    in_order = np.take_along_axis(code, order, axis=1)
    first = np.ones(code.shape, np.bool_)
    first[:, 1:] = in_order[:, 1:] != in_order[:, :-1]
    kept = np.empty_like(first)
    np.put_along_axis(kept, order, first, axis=1)
    return kept


def _cell(
    names: tuple[str, str], n_takes: Mapping[str, int], chosen: _Chosen, made: int, k: int
) -> Cell:
    first, second = names
    m, n = n_takes[first], n_takes[second]
    possible = m * (n - (first == second))
    twice = bool(np.any(chosen.joins[:, 0] == chosen.joins[:, 1]))
    # A take is joined with itself only where no two can be: those are no pairs of two takes.
    return Cell(first, second, (m, n), chosen.pairs, possible - (0 if twice else chosen.pairs),
                made, (k if chosen.pairs else 0) - made, twice)  # fmt: skip
