"""What is drawn to be a subject's own motions: such as can be told apart, and always the same."""

from itertools import combinations

import numpy as np
import pytest

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.expressions import EXPRESSIONS, Expression, direction, personal


def own(subject: int, number: int) -> Expression:
    rng = np.random.default_rng(draw_seed(0, "personal", f"s{subject:02d}"))
    return personal(rng, number)


def likeness(one: Expression, other: Expression) -> float:
    return float(direction(one) @ direction(other))


def test_a_subjects_five_motions_can_be_told_apart() -> None:
    """Mixtures drawn alone would at times be the same motion, or nearly: a cosine of 0.95."""
    for subject in range(40):
        five = [own(subject, number) for number in range(1, 6)]
        assert max(likeness(a, b) for a, b in combinations(five, 2)) < 0.75


def test_a_motion_does_not_depend_on_how_many_follow() -> None:
    first = [own(1, number) for number in (1, 2, 3)]
    assert first == [own(1, number) for number in (1, 2, 3)]
    assert len({*first, own(1, 60)}) == 4


def test_directions_tell_how_like_two_motions_are() -> None:
    smile, left, wink = (EXPRESSIONS[n] for n in ("smile", "smirk_left", "wink_left"))
    assert likeness(smile, smile.scaled(0.3)) == pytest.approx(1)
    # Half of a smile's displacement is the left corner's.
    assert likeness(smile, left) == pytest.approx(np.sqrt(0.5))
    assert abs(likeness(wink, EXPRESSIONS["pucker"])) < 0.3
