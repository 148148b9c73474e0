"""The plan of a subject's compounds, on invented takes."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from fmdata.catalog.types import Motion
from fmdata.synth.notes import notes_of
from fmdata.synth.plan import plan_subject
from fmdata.synth.planned import END, TAIL, Compound, Plan
from fmdata.synth.takes import Take


def take(action: str, number: int, *, style: str = "return", rate: float = 25.0) -> Take:
    """Return a clip of 40 frames: onset 10, apex 15, offset 30; or held to the end.

    The 7 frames before the onset are at rest, and the 6 after the offset.
    """
    held = style == "hold"
    offset, trail = (40, 0) if held else (30, 6)
    motion = Motion(10, 15, offset, style, 0.1, 20.0, 7, 1.0, trail)
    room = 25 if held else 6
    return Take(f"s01-{action}-{number:02d}", action, rate, motion, room, (offset,), (10,))


def compounds_of(plan: Plan) -> list[Compound]:
    return [plan[i] for i in range(len(plan))]


TAKES = [take(action, n) for action in ("blow", "grin", "wink") for n in range(4)]
NAMES = ["blow", "grin", "wink"]


def test_n_actions_give_k_copies_of_n_squared_compounds() -> None:
    compounds = compounds_of(plan_subject("s01", NAMES, TAKES, k=5, seed=0))
    assert len(compounds) == 9 * 5
    assert len({c.key for c in compounds}) == 45
    labels = {(c.first, c.second): c.label for c in compounds}
    assert labels == {pair: i for i, pair in enumerate(product(NAMES, NAMES))}


def test_copies_use_different_pairs_of_takes_until_all_are_used() -> None:
    plan = plan_subject("s01", NAMES, TAKES, k=16, seed=0)
    for cell in plan.cells:
        of_cell = [
            c for c in compounds_of(plan) if (c.first, c.second) == (cell.first, cell.second)
        ]
        pairs = [c.takes for c in sorted(of_cell, key=lambda c: c.copy)]
        # 4 takes: 16 pairs of two actions; 12 pairs of two different takes of one action.
        possible = 16 if cell.first != cell.second else 12
        assert cell.pairs == possible
        assert len(set(pairs[:possible])) == possible
        if cell.first == cell.second:
            assert all(one != other for one, other in pairs)


def test_a_draw_is_independent_of_other_copies_and_actions() -> None:
    few = compounds_of(plan_subject("s01", NAMES, TAKES, k=2, seed=0))
    more_copies = compounds_of(plan_subject("s01", NAMES, TAKES, k=15, seed=0))
    assert few == [c for c in more_copies if c.copy < 2]
    # Another action of the same subject changes no segment of the others.
    more = plan_subject("s01", [*NAMES, "frown"], [*TAKES, take("frown", 1)], k=2, seed=0)
    same = {c.key: c.segments for c in compounds_of(more) if "frown" not in (c.first, c.second)}
    assert same == {c.key: c.segments for c in few}


def test_another_seed_or_subject_gives_other_segments() -> None:
    def segments(subject: str, seed: int) -> list:
        plan = plan_subject(subject, NAMES, TAKES, k=5, seed=seed)
        return [c.segments for c in compounds_of(plan)]

    assert segments("s01", 0) == segments("s01", 0)
    assert segments("s01", 0) != segments("s01", 1)
    assert segments("s01", 0) != segments("s02", 0)


@pytest.mark.parametrize("style", ["return", "hold"])
def test_lead_and_tail_have_every_length_from_none_to_all_that_rests(style: str) -> None:
    takes = [take("grin", 1), take("wink", 1, style=style)]
    plan = plan_subject("s01", ["grin", "wink"], takes, k=2000, seed=0)
    leads, tails = Counter[int](), Counter[int]()
    for compound in compounds_of(plan):
        if (compound.first, compound.second) != ("grin", "wink"):
            continue
        lead, first, second, tail = compound.segments
        assert lead.stop == first.start == 10
        assert (first.source, first.start, first.stop) == (takes[0].key, 10, 30)
        assert (second.source, second.start) == (takes[1].key, 10)
        # A held second motion moves to its apex; its held frames are the tail.
        assert second.stop == tail.start == (30 if style == "return" else 15)
        leads[lead.n_frames] += 1
        tails[tail.n_frames] += 1
    # With so many copies, every one of all different compounds is made.
    n_tails = 7 if style == "return" else 26
    assert leads == dict.fromkeys(range(8), n_tails)
    assert tails == dict.fromkeys(range(n_tails), 8)


def test_lengths_are_equally_likely() -> None:
    """1,300 draws of a tail of 0 to 25 frames: each length within four standard deviations."""
    takes = [take("grin", 1), take("wink", 1, style="hold")]
    tails = Counter(
        int(plan.cuts[i, TAIL] - plan.cuts[i, END])
        for seed in range(1300)
        if (plan := plan_subject("s01", ["grin", "wink"], takes, k=1, seed=seed))
        for i in np.flatnonzero(plan.label == 1)
    )
    expected = 1300 / 26
    assert sorted(tails) == list(range(26))
    assert all(abs(n - expected) < 4 * expected**0.5 for n in tails.values())


def test_compounds_are_in_the_order_of_their_keys() -> None:
    names = ["a", "a b", "a-b", "b"]  # "-" and letters outside keys sort otherwise than in names
    takes = [take(name, n) for name in ("a", "a b", "b") for n in range(2)]
    keys = [c.key for c in compounds_of(plan_subject("s01", names, takes, k=12, seed=0))]
    assert keys == sorted(keys)
    assert len(keys) > 100


@pytest.mark.parametrize(("one", "other"), list(product(["return", "hold"], repeat=2)))
def test_time_never_jumps_back_and_no_frame_is_shown_twice(one: str, other: str) -> None:
    takes = [take("grin", n, style=one) for n in range(3)]
    takes += [take("wink", n, style=other) for n in range(3)]
    for compound in compounds_of(plan_subject("s01", ["grin", "wink"], takes, k=9, seed=0)):
        frames = [(s.source, i) for s in compound.segments for i in range(s.start, s.stop)]
        assert len(set(frames)) == len(frames)
        jumps = [(a, b) for a, b in pairwise(frames) if b != (a[0], a[1] + 1)]
        assert [(a[0], b[0]) for a, b in jumps] == [compound.takes]


def test_a_held_motion_that_comes_first_keeps_its_hold() -> None:
    takes = [take("grin", 0, style="hold"), take("wink", 0)]
    plan = plan_subject("s01", ["grin", "wink"], takes, k=1, seed=0)
    held = next(c for c in compounds_of(plan) if (c.first, c.second) == ("grin", "wink"))
    assert (held.segments[1].start, held.segments[1].stop) == (10, 40)


def test_identical_copies_are_made_once() -> None:
    """One pair of takes without any rest: all copies would be the same frames."""
    motion = Motion(0, 5, 20, "return", 0.1, 20.0, 0, 1.0)
    bare = [
        replace(take(name, 0), motion=motion, tail_room=0, stops=(20,), starts=(0,))
        for name in ("grin", "wink")
    ]
    plan = plan_subject("s01", ["grin", "wink"], bare, k=5, seed=0)
    assert [(cell.made, cell.identical) for cell in plan.cells] == [(1, 4)] * 4
    assert all(compound.copy == 0 for compound in compounds_of(plan))


def test_a_take_of_a_variable_rate_is_paired_by_its_nominal_rate() -> None:
    takes = [take("grin", 1, rate=30), take("grin", 2, rate=29.97), take("wink", 1, rate=60)]
    plan = plan_subject("s01", ["grin", "wink"], takes, k=1, seed=0)
    made = {(c.first, c.second) for c in compounds_of(plan)}
    assert made == {("grin", "grin"), ("wink", "wink")}
    assert {(c.first, c.second): c.unpaired for c in plan.cells} == {
        ("grin", "grin"): 0, ("grin", "wink"): 2, ("wink", "grin"): 2, ("wink", "wink"): 0,
    }  # fmt: skip


def test_an_action_without_a_usable_take_keeps_its_label() -> None:
    takes = [t for t in TAKES if t.action != "grin"]
    labels = {c.label for c in compounds_of(plan_subject("s01", NAMES, takes, k=1, seed=0))}
    assert labels == {0, 2, 6, 8}


def test_every_shortage_has_its_note() -> None:
    bare = replace(take("bare", 0), motion=Motion(0, 5, 20, "return", 0.1, 20.0, 0, 1.0))
    takes = [
        *(take("grin", n, rate=rate) for n, rate in enumerate((15, 30, 60))),
        *(take("wink", n) for n in range(3)),
        replace(bare, tail_room=0),
    ]
    names = ["bare", "frown", "grin", "wink"]
    plan = plan_subject("s01", names, takes, k=5, seed=0)
    assert notes_of("s01", names, plan.cells, 5) == [
        "s01: no compound with frown (no usable take)",
        "s01: no compound of bare then grin (no two takes of one frame rate)",
        "s01: no compound of grin then bare (no two takes of one frame rate)",
        "s01: no compound of grin then wink (no two takes of one frame rate)",
        "s01: no compound of wink then grin (no two takes of one frame rate)",
        "s01: no 5 different pairs of takes: bare then bare (1), bare then wink (3), "
        "grin then grin (3), wink then bare (3)",
        "s01: no join of takes whose frame rates differ: grin then grin (6 pairs)",
        "s01: no two takes, so one is shown twice: bare then bare (1 usable), "
        "grin then grin (3 usable)",
        "s01: no identical copies: bare then bare (4 left out), grin then grin (1 left out)",
    ]


def test_enough_takes_need_no_note() -> None:
    plan = plan_subject("s01", NAMES, TAKES, k=5, seed=0)
    assert notes_of("s01", NAMES, plan.cells, 5) == []
