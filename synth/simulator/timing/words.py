"""Words that lips form without a sound: syllables of an opening and a rounding mouth.

A word is the subject's own: its syllables are the same in every take, and only their lengths and
levels vary a little. There are fewer shapes of the lips than sounds, so two words may look alike.
"""

from dataclasses import replace

import numpy as np

from fmdata.synth.simulator.timing.course import Course, Part

WORD = ("jaw_drop", "pucker")
"""The two expressions that a word is made of."""

_SYLLABLES = (2, 4)
# Levels of opening and rounding in a syllable's vowel, and of opening in the consonant before it.
_OPEN, _ROUND, _CLOSED = (0.25, 0.45, 0.7), (0.0, 0.35, 0.75), (0.05, 0.2)
_MOVE_S, _VOWEL_S, _FALL_S = (0.08, 0.14), (0.08, 0.2), (0.14, 0.24)
_LEVEL_SD = 0.07  # of the levels of a take, as a share


def with_word(
    course: Course, word: np.random.Generator, take: np.random.Generator, fps: float
) -> Course:
    """Put a word in the place of a motion.

    Parameters
    ----------
    course : Course
        Has the rest before and after.
    word : numpy.random.Generator
        Draws the syllables; the same for every take of a word.
    take : numpy.random.Generator
        Draws their lengths, and what is different in this take.
    fps : float
        Frames per second.
    """

    def n(seconds: tuple[float, float]) -> int:
        return max(1, round(fps * take.uniform(*seconds)))

    def level(drawn: float) -> float:
        return float(np.clip(drawn * (1 + _LEVEL_SD * take.standard_normal()), 0.02, 1.0))

    parts: list[Part] = []
    for k in range(int(word.integers(_SYLLABLES[0], _SYLLABLES[1] + 1))):
        opened, rounded, closed = (level(float(word.choice(x))) for x in (_OPEN, _ROUND, _CLOSED))
        if parts:
            parts.append(Part("close", n(_MOVE_S), closed, (parts[-1].other + rounded) / 2))
        parts.append(Part("open" if k else "rise", n(_MOVE_S), opened, rounded))
        parts.append(Part("plateau", n(_VOWEL_S), opened, rounded))
    fall = Part("fall", n(_FALL_S), 0.0)
    return replace(course, parts=(*parts, fall), after=max(course.after, round(0.3 * fps)))
