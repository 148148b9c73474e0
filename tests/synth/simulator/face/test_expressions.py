"""The drawn motions of a subject are distinct and reproducible."""

from itertools import combinations

import numpy as np
import pytest

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.face.expressions import EXPRESSIONS, Expression, direction, personal


def own_motion(subject: int, number: int) -> Expression:
    rng = np.random.default_rng(draw_seed(0, "personal", f"s{subject:02d}"))
    return personal(rng, number)


def similarity(one: Expression, other: Expression) -> float:
    return float(direction(one) @ direction(other))


def test_the_five_motions_of_a_subject_are_distinct() -> None:
    """Independent draws would at times be nearly the same motion: a cosine of 0.95."""
    for subject in range(40):
        five = [own_motion(subject, number) for number in range(1, 6)]
        assert max(similarity(a, b) for a, b in combinations(five, 2)) < 0.75


def test_a_motion_is_independent_of_later_ones() -> None:
    first = [own_motion(1, number) for number in (1, 2, 3)]
    assert first == [own_motion(1, number) for number in (1, 2, 3)]
    assert len({*first, own_motion(1, 60)}) == 4


def test_similarity_is_the_cosine_of_two_motions() -> None:
    smile, left, wink = (EXPRESSIONS[n] for n in ("smile", "smirk_left", "wink_left"))
    assert similarity(smile, smile.scaled(0.3)) == pytest.approx(1)
    # The left corner contributes half of a smile's displacement.
    assert similarity(smile, left) == pytest.approx(np.sqrt(0.5))
    assert abs(similarity(wink, EXPRESSIONS["pucker"])) < 0.3
