"""Relief of the skin: pores, the wrinkles of age, and the creases that the units deepen."""

import numpy as np

from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.look.ground import Ground, ground, noise, ridge
from fmdata.synth.simulator.heads.render.arrays import float32

CREASES = ("furrow", "forehead", "sneer", "smile", "squint")
"""Layers of creases; `fmdata.synth.simulator.heads.units` has what deepens each."""
_AGED = float32([0.5, 0.7, 0.1, 0.6, 0.7])  # depth of each at the highest age


def relief(person: Person, rng: np.random.Generator, brows: np.ndarray) -> np.ndarray:
    """Return heights at rest and of each crease, float32 [H, W, 1 + K], decimetres.

    Parameters
    ----------
    person : Person
        The older, the more of each crease stays at rest.
    rng : numpy.random.Generator
        Random generator.
    brows : float32 [H, W]
        Thickness of the brows, 0 to 1.
    """
    face = ground()
    wobble = 0.012 * noise(rng, 14)
    front = face.z > 0.5
    layers = (_furrow, _forehead, _sneer, _smile, _squint)
    creases = np.dstack([layer(face, wobble) * front for layer in layers])
    rest = 0.0004 * noise(rng, 300) + 0.0003 * noise(rng, 120)
    rest += face.lips * 0.003 * np.sin(110 * face.x + 4 * noise(rng, 40))
    rest += 0.004 * brows * noise(rng, 300)
    old = float(np.clip(person.age - 0.2, 0, 1))
    rest = rest + old * (creases @ _AGED) + 0.12 * creases[..., CREASES.index("smile")]
    # Exactly 0 stands for "no relief" where it is drawn.
    return np.dstack([rest + 1e-6, creases]).astype(np.float32)


def _furrow(face: Ground, wobble: np.ndarray) -> np.ndarray:
    """Draw two upright lines between the brows, and a bulge beside each."""
    line = face.side - 0.062 - 0.05 * (face.y - 7.42) + 0.3 * wobble
    shape = -0.02 * ridge(line, 0.016) + 0.013 * ridge(face.side - 0.1, 0.03)
    return np.asarray(ridge(face.y - 7.44, 0.12) * shape)


def _forehead(face: Ground, wobble: np.ndarray) -> np.ndarray:
    """Draw four lines across the forehead, bent as the brows are."""
    bent = face.y - 0.06 * np.cos(3.2 * face.x) + 1.2 * wobble
    lines = sum(ridge(bent - height, 0.016) for height in (7.6, 7.71, 7.82, 7.93))
    return np.asarray(-0.013 * lines * np.exp(-((face.x / 0.5) ** 4)))


def _sneer(face: Ground, _: np.ndarray) -> np.ndarray:
    """Draw folds across the root of the nose, and on its sides."""
    root = sum(ridge(face.y + 0.5 * face.side - height, 0.016) for height in (7.3, 7.36))
    flank = sum(ridge(face.y - 1.2 * face.side - height, 0.018) for height in (7.0, 6.94))
    folds = -0.014 * root * np.exp(-((face.side / 0.13) ** 4))
    return np.asarray(folds - 0.012 * flank * ridge(face.side - 0.14, 0.08))


def _smile(face: Ground, wobble: np.ndarray) -> np.ndarray:
    """Draw the fold from the wing of the nose past the corner of the mouth, and the cheek."""
    fold = face.side - 0.2 - 0.42 * (6.92 - face.y) + 0.4 * wobble
    span = np.exp(-(((face.y - 6.74) / 0.18) ** 4))
    return np.asarray(span * (0.016 * ridge(fold - 0.06, 0.05) - 0.022 * ridge(fold, 0.022)))


def _squint(face: Ground, _: np.ndarray) -> np.ndarray:
    """Draw a fan beside the outer corner of the eye, and a fold under the lower lid."""
    out = face.side - 0.48
    fan = sum(ridge(face.y - 7.27 - slope * out, 0.012) for slope in (-0.5, -0.05, 0.4))
    bag = ridge(face.y - 7.13 - 0.5 * (face.side - 0.31) ** 2, 0.018)
    under = bag * np.exp(-(((face.side - 0.31) / 0.13) ** 4))
    return np.asarray(-0.011 * fan * ridge(face.side - 0.58, 0.07) - 0.012 * under)
