"""The plan of a subject's compounds, on invented takes."""

from itertools import product

import numpy as np
import pytest

from fmdata.catalog.types import Motion
from fmdata.synth.plan import Take, draw_segments, plan_subject, take_pairs


def take(action: str, number: int, *, style: str = "return", fps: float = 25.0) -> Take:
    """Return a clip of 40 frames: onset 10, apex 15, offset 30; or held to the end."""
    offset = 30 if style == "return" else 40
    motion = Motion(10, 15, offset, style, 0.1, 20.0, 10, 1.0)
    return Take(f"s01-{action}-{number:02d}", action, 40, fps, motion)


TAKES = [take(action, n) for action in ("blow", "grin", "wink") for n in range(4)]
NAMES = ["blow", "grin", "wink"]


def test_n_actions_give_k_copies_of_n_squared_compounds() -> None:
    compounds = plan_subject("s01", NAMES, TAKES, k=5, seed=0)
    assert len(compounds) == 9 * 5
    assert len({c.key for c in compounds}) == 45
    labels = {(c.first, c.second): c.label for c in compounds}
    assert labels == {pair: i for i, pair in enumerate(product(NAMES, NAMES))}


def test_copies_use_different_pairs_of_takes_until_all_are_used() -> None:
    compounds = plan_subject("s01", NAMES, TAKES, k=16, seed=0)
    for first, second in product(NAMES, NAMES):
        pairs = [
            (c.segments[1].source, c.segments[2].source)
            for c in compounds
            if (c.first, c.second) == (first, second)
        ]
        # 4 takes: 16 pairs of two actions; 12 pairs of two different takes of one action.
        possible = 16 if first != second else 12
        assert len(set(pairs[:possible])) == possible
        if first == second:
            assert all(one != other for one, other in pairs)


def test_the_only_take_of_an_action_is_paired_with_itself() -> None:
    pairs = take_pairs("s01", "grin", "grin", [take("grin", 1)], seed=0)
    assert [(a.key, b.key) for a, b in pairs] == [("s01-grin-01", "s01-grin-01")]


def test_a_draw_is_independent_of_other_copies_and_actions() -> None:
    few = plan_subject("s01", NAMES, TAKES, k=2, seed=0)
    more_copies = plan_subject("s01", NAMES, TAKES, k=5, seed=0)
    assert few == [c for c in more_copies if c.copy < 2]
    # Another action of the same subject changes no segment of the others.
    with_frown = plan_subject("s01", [*NAMES, "frown"], [*TAKES, take("frown", 1)], k=2, seed=0)
    same = {c.key: c.segments for c in with_frown if "frown" not in (c.first, c.second)}
    assert same == {c.key: c.segments for c in few}


def test_another_seed_or_subject_gives_other_segments() -> None:
    def segments(subject: str, seed: int) -> list:
        return [c.segments for c in plan_subject(subject, NAMES, TAKES, k=5, seed=seed)]

    assert segments("s01", 0) == segments("s01", 0)
    assert segments("s01", 0) != segments("s01", 1)
    assert segments("s01", 0) != segments("s02", 0)


@pytest.mark.parametrize("style", ["return", "hold"])
def test_lead_and_tail_have_every_length_from_none_to_all(style: str) -> None:
    one, other = take("grin", 1), take("wink", 1, style=style)
    leads, tails = set(), set()
    for seed in range(2000):
        lead, first, second, tail = draw_segments(one, other, np.random.default_rng(seed))
        assert lead.stop == first.start == 10
        assert (first.source, first.start, first.stop) == (one.key, 10, 30)
        assert (second.source, second.start) == (other.key, 10)
        assert second.stop == other.motion.offset
        if style == "return":
            assert tail.start == second.stop == 30  # neutral frames right after the motion
        else:
            assert tail.stop == 40  # the end of the held apex
            assert tail.start >= 15
        leads.add(lead.n_frames)
        tails.add(tail.n_frames)
    assert leads == set(range(11))
    assert tails == set(range(11)) if style == "return" else set(range(26))


def test_takes_of_different_frame_rates_are_never_paired() -> None:
    takes = [take("grin", 1, fps=30), take("grin", 2, fps=29.97), take("wink", 1, fps=60)]
    made = {(c.first, c.second) for c in plan_subject("s01", ["grin", "wink"], takes, k=1, seed=0)}
    assert made == {("grin", "grin"), ("wink", "wink")}


def test_an_action_without_a_usable_take_keeps_its_label() -> None:
    takes = [t for t in TAKES if t.action != "grin"]
    labels = {c.label for c in plan_subject("s01", NAMES, takes, k=1, seed=0)}
    assert labels == {0, 2, 6, 8}
