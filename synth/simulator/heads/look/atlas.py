"""The atlas: one texture of skin, eyes, hair, clothes, teeth and tongue, in linear light."""

from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.synth.simulator.heads.mesh import HEIGHT, WIDTH
from fmdata.synth.simulator.heads.render.arrays import float32

# Patches beside the skin: left, top, side, in texels.
EYE_PATCH = (WIDTH, 0, 256)
HAIR_PATCH = (WIDTH + 256, 0, HEIGHT)
CLOTH_PATCH = (WIDTH, 256, 128)
CAP_PATCH = (WIDTH + 128, 256, 128)
TEETH_PATCH = (WIDTH, 384, 64)
TONGUE_PATCH = (WIDTH + 64, 384, 64)
MOUTH_PATCH = (WIDTH + 128, 384, 64)
LASH_PATCH = (WIDTH + 192, 384, 64)
ATLAS_WIDTH = WIDTH + 256 + HEIGHT
IRIS = 0.5  # radius over the eye's
REACH = 0.96  # of the eye's front half, in its patch


@dataclass(frozen=True)
class Colours:
    """Colours of a person and of what is worn, sRGB, float [3] each."""

    hair: np.ndarray
    iris: np.ndarray
    cloth: np.ndarray
    cap: np.ndarray
    teeth: np.ndarray


def linear(colour: np.ndarray) -> np.ndarray:
    """Return sRGB values, 0 to 255, as linear light, 0 to 1, float32."""
    x = float32(colour) / 255
    return np.where(x < 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def compose(
    skin: np.ndarray, gloss: np.ndarray, colours: Colours, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the atlas, float32 [H, W, 4], and the strands, float32 [H, W], 0 to 1."""
    colour = np.zeros((HEIGHT, ATLAS_WIDTH, 3), np.float32)
    shine = np.zeros((HEIGHT, ATLAS_WIDTH), np.float32)
    strands = np.zeros((HEIGHT, ATLAS_WIDTH), np.float32)
    colour[:, :WIDTH], shine[:, :WIDTH] = skin, gloss
    _patch(colour, EYE_PATCH)[:] = _eye(colours.iris, rng)
    _patch(shine, EYE_PATCH)[:] = 0.35
    pattern = _strands(rng)
    _patch(strands, HAIR_PATCH)[:] = pattern
    tint = 0.65 + 0.7 * pattern[..., None]
    _patch(colour, HAIR_PATCH)[:] = np.clip(colours.hair * tint, 0, 245)
    _patch(shine, HAIR_PATCH)[:] = 0.03 * pattern
    for place, hue, rough in (
        (CLOTH_PATCH, colours.cloth, 0.05),
        (CAP_PATCH, colours.cap, 0.0),
        (TEETH_PATCH, colours.teeth, 0.02),
        (TONGUE_PATCH, np.array([176, 88, 84]), 0.04),
        (MOUTH_PATCH, np.array([112, 38, 40]), 0.03),
        (LASH_PATCH, 0.5 * colours.hair + 8, 0.0),
    ):
        patch = _patch(colour, place)
        weave = 1 + rough * rng.standard_normal((*patch.shape[:2], 1), np.float32)
        if place is CAP_PATCH:
            weave = 0.9 + 0.25 * np.sin(0.6 * np.arange(CAP_PATCH[2]))[None, :, None]  # ribs
        patch[:] = np.clip(hue * weave, 3, 250)
    _patch(shine, TEETH_PATCH)[:] = 0.12
    _patch(shine, TONGUE_PATCH)[:] = 0.1
    return np.dstack([linear(colour), shine]), strands


def _patch(array: np.ndarray, place: tuple[int, int, int]) -> np.ndarray:
    left, top, side = place
    return array[top : top + side, left : left + side]


def place_in(uv: np.ndarray, patch: tuple[int, int, int]) -> np.ndarray:
    """Return the texels of positions in a patch, 0 to 1, float32 [N, 2]."""
    left, top, side = patch
    return float32(np.array([left, top]) + 1 + uv * (side - 3))


def _eye(iris: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = EYE_PATCH[2]
    at = (np.arange(side) - side / 2 + 0.5) / (side / 2)
    x, y = np.meshgrid(at, at)
    r, angle = np.hypot(x, y) / REACH, np.arctan2(y, x)
    white = np.array([226, 218, 212]) - np.clip(r - 0.5, 0, 1)[..., None] * np.array([24, 56, 56])
    veins = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), 3)
    white = white - np.abs(veins)[..., None] * np.clip(r - 0.55, 0, 1)[..., None] * np.array(
        [0, 90, 90]
    )
    waves = sum(
        np.sin(k * angle + rng.uniform(0, 6.3)) * rng.uniform(0.3, 1) for k in (9, 14, 23, 31)
    )
    inner = np.clip((r / IRIS - 0.4) / 0.6, 0, 1)
    disc = iris * (1.12 - 0.35 * inner + 0.09 * waves)[..., None]
    ring = np.clip(1 - np.abs(r - IRIS) / 0.06, 0, 1)[..., None]
    disc = disc * (1 - 0.65 * ring)
    soft = np.clip((IRIS - r) / 0.035 + 0.5, 0, 1)[..., None]
    pupil = np.clip((0.2 - r) / 0.02 + 0.5, 0, 1)[..., None]
    eye = white + soft * (disc - white)
    return np.asarray(eye + pupil * (8 - eye))


def _strands(rng: np.random.Generator) -> np.ndarray:
    """Draw strands that run down the patch, float32 [S, S], 0 to 1."""
    side = HAIR_PATCH[2]
    total = np.zeros((side, side), np.float32)
    for columns, rows, weight in ((768, 20, 0.9), (300, 14, 0.9), (80, 6, 0.45)):
        small = rng.standard_normal((rows, columns), np.float32)
        total += weight * cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(0.5 + total / (3.2 * total.std()), 0, 1))
