"""Action units (AUs): those of the benchmarks, and stand-ins for missing labels.

Facial action units are coded by trained people. MediaPipe's blendshapes are a network's estimate
of the controls of an animated face; some of them resemble an AU and stand in for its label. They
are no labels, and results based on them must say so. Left and right are the subject's own.
"""

from collections.abc import Sequence

import numpy as np

from fmdata.catalog.types import N_BLENDSHAPES

BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
DISFA = (1, 2, 4, 6, 9, 12, 25, 26)

BLENDSHAPES = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft"),
    *("browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft"),
    *("eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight"),
    *("eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft"),
    *("eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen"),
    *("jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft"),
    *("mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower"),
    *("mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight"),
    *("mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("noseSneerLeft", "noseSneerRight"),
)
"""MediaPipe's 52 blendshapes, in the order of their scores."""

# Stand-in of an AU: one blendshape, or a left and a right one.
_STAND_INS = {
    1: ("browInnerUp",),
    2: ("browOuterUpLeft", "browOuterUpRight"),
    4: ("browDownLeft", "browDownRight"),
    6: ("cheekSquintLeft", "cheekSquintRight"),
    7: ("eyeSquintLeft", "eyeSquintRight"),
    9: ("noseSneerLeft", "noseSneerRight"),
    10: ("mouthUpperUpLeft", "mouthUpperUpRight"),
    12: ("mouthSmileLeft", "mouthSmileRight"),
    14: ("mouthDimpleLeft", "mouthDimpleRight"),
    15: ("mouthFrownLeft", "mouthFrownRight"),
    17: ("mouthShrugLower",),
    24: ("mouthPressLeft", "mouthPressRight"),
    26: ("jawOpen",),
}
_LIPS_DRAWN = ("mouthLowerDownLeft", "mouthLowerDownRight", *_STAND_INS[10])


def au_stand_ins(blendshapes: np.ndarray, aus: Sequence[int] = BP4D) -> np.ndarray:
    """Compute stand-ins for AU labels from MediaPipe's blendshapes.

    An AU is coded when either side of the face shows it, so the larger of a left and a right
    blendshape counts. Lips apart (AU 25) has no blendshape: its score is the maximum of jaw open
    minus mouth closed, lower lip down, and upper lip up.

    Parameters
    ----------
    blendshapes : float [..., 52]
        Scores, 0 to 1, in the order of :data:`BLENDSHAPES`.
    aus : sequence of int
        The K requested action units.

    Returns
    -------
    float32 [..., K]
        0 to 1; NaN for an AU without a stand-in, such as 23.

    Raises
    ------
    ValueError
        When the number of blendshapes is another.
    """
    if blendshapes.shape[-1] != N_BLENDSHAPES:
        raise ValueError(f"{blendshapes.shape[-1]} blendshapes, wanted {N_BLENDSHAPES}")
    return np.stack([_stand_in(blendshapes, au) for au in aus], axis=-1).astype(np.float32)


def _stand_in(blendshapes: np.ndarray, au: int) -> np.ndarray:
    if au == 25:
        jaw, closed = _largest(blendshapes, ("jawOpen",)), _largest(blendshapes, ("mouthClose",))
        return np.maximum(jaw - closed, _largest(blendshapes, _LIPS_DRAWN))
    if au not in _STAND_INS:
        return np.full(blendshapes.shape[:-1], np.nan)
    return _largest(blendshapes, _STAND_INS[au])


def _largest(blendshapes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    largest: np.ndarray = blendshapes[..., [BLENDSHAPES.index(name) for name in names]].max(-1)
    return largest
