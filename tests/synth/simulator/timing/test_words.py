"""Words: the same syllables in every take of a subject's word, none the same otherwise."""

from itertools import pairwise

import numpy as np
import pytest

from fmdata.catalog.errors import UsageError
from fmdata.synth.simulator.face.expressions import EXPRESSIONS
from fmdata.synth.simulator.roles import expressions_of
from fmdata.synth.simulator.script import Script, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings

SETTINGS = SimulateSettings(subjects=6, actions=("word_1", "word_2", "word_3"), takes=4, fps=25.0)


def scripts() -> dict[tuple[str, str], list[Script]]:
    of: dict[tuple[str, str], list[Script]] = {}
    for script in write_scripts(SETTINGS):
        of.setdefault((script.truth.subject, script.truth.action), []).append(script)
    return of


def vowels(script: Script) -> np.ndarray:
    """Return opening and rounding of each syllable, float [n, 2]: at the peaks of the opening."""
    open_, truth = script.intensity / script.truth.amplitude, script.truth
    assert truth.onset is not None
    peaks = [
        t
        for t in range(truth.onset, truth.n_frames - 1)
        if open_[t] > open_[t - 1] and open_[t] >= open_[t + 1]
    ]
    return np.stack([open_[peaks], script.other[peaks] / truth.amplitude], axis=1)


def test_a_word_is_made_of_two_expressions_and_returns_to_rest() -> None:
    """The mouth moves in every frame of the word and in no other one."""
    for takes in scripts().values():
        for script in takes:
            truth = script.truth
            assert expressions_of(script, SETTINGS) == (
                EXPRESSIONS["jaw_drop"],
                EXPRESSIONS["pucker"],
            )
            moving = np.flatnonzero((script.intensity > 0) | (script.other > 0))
            assert (moving[0], moving[-1] + 1) == (truth.onset, truth.offset)
            assert len(moving) == moving[-1] + 1 - moving[0]
            assert truth.style == "return"
            assert truth.offset is not None
            assert truth.offset < truth.n_frames


def test_takes_of_a_word_share_its_syllables_and_words_do_not() -> None:
    """The takes of a word have as many vowels, each nearer to its own than another word's is."""
    of = scripts()
    within, between = [], []
    for takes in of.values():
        first, *others = (vowels(take) for take in takes)
        assert 2 <= len(first) <= 4
        assert {len(other) for other in others} == {len(first)}
        within += [float(np.abs(first - other).mean()) for other in others]
    for one, other in pairwise(of.values()):
        a, b = vowels(one[0]), vowels(other[0])
        n = min(len(a), len(b))
        between.append(float(np.abs(a[:n] - b[:n]).mean()))
    assert max(within) < 0.12
    assert np.median(between) > 0.15


def test_a_word_does_not_depend_on_the_other_actions() -> None:
    alone = SimulateSettings(subjects=1, actions=("word_2",), takes=1)
    more = SimulateSettings(subjects=2, actions=("smile", "word_1", "word_2"), takes=1)
    (one,) = write_scripts(alone)
    other = next(s for s in write_scripts(more) if s.path == one.path)
    np.testing.assert_array_equal(one.intensity, other.intensity)
    np.testing.assert_array_equal(one.other, other.other)


def test_a_session_has_no_words() -> None:
    with pytest.raises(UsageError, match=r"(?s)word_1.*no words, with --session"):
        SimulateSettings(actions=("smile", "word_1"), session_s=60.0)
