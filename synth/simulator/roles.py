"""Expressions and camera of a recording, which are the same for all casts.

All draws follow from the settings, the subject, the action and the take.
"""

import numpy as np

from fmdata.catalog.keys import draw_seed
from fmdata.synth.simulator.camera import Camera, draw_camera
from fmdata.synth.simulator.face.expressions import EXPRESSIONS, Expression, is_word, personal
from fmdata.synth.simulator.script import Script, Truth
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.words import WORD


def recording_key(truth: Truth, settings: SimulateSettings) -> tuple[int, str, str, str]:
    """Return the seed and names that all draws of a recording depend on."""
    return settings.seed, truth.subject, truth.action, truth.take


def camera_of(truth: Truth, head: str, settings: SimulateSettings) -> Camera:
    """Return the camera of a recording, without the nods of its script."""
    return draw_camera(
        np.random.default_rng(draw_seed("camera", *recording_key(truth, settings))),
        truth.n_frames,
        settings.fps,
        head=head,
        size=settings.size,
        blur=settings.blur,
        noise=settings.noise,
    )


def expressions_of(script: Script, settings: SimulateSettings) -> tuple[Expression, Expression]:
    """Return the expression of a recording, and its second one, which may be none."""
    first = expression_of(settings, script.truth.subject, script.truth.action)
    return first, EXPRESSIONS.get(script.second, Expression())


def expression_of(settings: SimulateSettings, subject: str, action: str) -> Expression:
    """Return the expression of an action: a common one, or the subject's own for ``personal_N``.

    That of a word is its first one, at another level in every syllable.
    """
    if action in EXPRESSIONS:
        return EXPRESSIONS[action]
    if is_word(action):
        return EXPRESSIONS[WORD[0]]
    rng = np.random.default_rng(draw_seed(settings.seed, "personal", subject))
    number = int(action.removeprefix("personal_"))
    return personal(rng, number, shared_parts=settings.shared_parts)
