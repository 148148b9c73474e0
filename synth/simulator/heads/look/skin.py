"""Skin: colour and gloss, painted on the base mesh and so bound to its vertices.

The texture moves with the mesh, so brows rise with the brow units.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.synth.simulator.heads.identity import Person
from fmdata.synth.simulator.heads.look.ground import ground, noise, ridge
from fmdata.synth.simulator.heads.look.relief import relief
from fmdata.synth.simulator.heads.mesh import HEIGHT, WIDTH, texels
from fmdata.synth.simulator.heads.render.arrays import float32

# Skin and lips of the peoples of `identity.PEOPLES`, sRGB.
_TONES = np.array([[226, 184, 163], [112, 76, 58], [221, 184, 152]])
_LIPS = np.array([[190, 112, 108], [108, 62, 58], [184, 110, 104]])
_FINE = 4  # binary digits after the point in coordinates that OpenCV draws
_HAIRS = 420  # of a brow


@dataclass(frozen=True)
class Skin:
    """Texture of a person's skin.

    Attributes
    ----------
    colour : float32 [H, W, 3]
        sRGB, 0 to 255.
    gloss : float32 [H, W]
        Strength of the highlight.
    relief : float32 [H, W, 1 + K]
        Height in decimetres at rest, and of each crease.
    """

    colour: np.ndarray
    gloss: np.ndarray
    relief: np.ndarray


def paint(person: Person, rng: np.random.Generator, hair: np.ndarray) -> Skin:
    """Paint a person's skin; `hair` is the colour of brows and beard, sRGB [3]."""
    tone = person.people @ _TONES * rng.uniform(0.86, 1.08) + rng.normal(0, 3, 3)
    light = float(np.clip((tone.mean() - 70) / 130, 0, 1))
    colour = np.tile(float32(tone), (HEIGHT, WIDTH, 1))
    _flush(colour, rng, light)
    _freckles(colour, rng, light)
    _lips(colour, person, rng)
    _beard(colour, person, rng, float32(hair))
    brows = _brows(colour, person, rng, float32(hair))
    face = ground()
    gloss = 0.045 + 0.05 * face.spot(0, 6.95, 0.12, 0.25) + 0.03 * face.spot(0, 7.8, 0.4, 0.3)
    gloss = (gloss + 0.07 * face.lips) * rng.uniform(0.6, 1.5) * (1 + 0.25 * noise(rng, 200))
    gloss = np.maximum(gloss, 0).astype(np.float32)
    return Skin(np.clip(colour, 4, 250), gloss, relief(person, rng, brows))


def _flush(colour: np.ndarray, rng: np.random.Generator, light: float) -> None:
    """Paint blood in cheeks, nose, chin and ears, shade around the eyes, and blotches, in place."""
    face = ground()
    blood = 0.75 * face.spot(0.45, 6.95, 0.25, 0.22) + 0.6 * face.spot(0, 6.9, 0.16, 0.16)
    blood += 0.35 * face.spot(0, 6.25, 0.25, 0.15)
    blood += 0.5 * ridge(face.side - 0.85, 0.1) * (face.z < 0.8)
    red = float32([7, -9, -8]) * (0.4 + 0.6 * light)
    colour += float32(blood * rng.uniform(0.5, 1.3))[..., None] * red
    tired = 0.7 * face.spot(0.3, 7.15, 0.15, 0.07) + 0.5 * face.spot(0.2, 7.3, 0.07, 0.12)
    colour *= 1 - float32(tired * rng.uniform(0.05, 0.2))[..., None] * float32([0.7, 1, 0.9])
    blotches = noise(rng, 12) + 0.7 * noise(rng, 30) + 0.5 * noise(rng, 90)
    colour *= 1 + 0.022 * blotches[..., None] * float32([0.6, 1, 1.1])
    colour += 1.6 * noise(rng, 260)[..., None]


def _freckles(colour: np.ndarray, rng: np.random.Generator, light: float) -> None:
    """Paint freckles on some fair faces, and a few moles on any, in place."""
    many = int(rng.integers(150, 420)) if rng.uniform() < 0.3 * light else 0
    few = int(rng.poisson(2.5))
    x = np.concatenate([rng.normal(0, 0.42, many), rng.uniform(-0.8, 0.8, few)])
    y = np.concatenate([rng.normal(7.05, 0.17, many), rng.uniform(6.0, 7.9, few)])
    radius = np.concatenate([rng.uniform(0.8, 1.8, many), rng.uniform(1.5, 3, few)])
    depth = np.concatenate([rng.uniform(0.1, 0.35, many), rng.uniform(0.35, 0.7, few)])
    layer = np.zeros((HEIGHT, WIDTH), np.float32)
    for at, r, d in zip(_drawn(x, y), radius, depth, strict=True):
        cv2.circle(layer, at, round(r * 2**_FINE), float(d), -1, cv2.LINE_AA, _FINE)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.8)[..., None]
    colour *= 1 - layer * float32([0.55, 0.8, 0.95])


def _drawn(x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """Return points on the front of the face in the coordinates that OpenCV draws at."""
    at = texels(np.stack([x, y, 1.5 - 0.5 * x**2], axis=1)) * 2**_FINE
    return [(round(float(u)), round(float(v))) for u, v in at]


def _lips(colour: np.ndarray, person: Person, rng: np.random.Generator) -> None:
    """Paint the lips, and the line where they meet, in place."""
    face = ground()
    red = float32(person.people @ _LIPS * rng.uniform(0.9, 1.1) + rng.normal(0, 5, 3))
    cover = rng.uniform(0.35, 0.75) + 0.25 * (1 - person.male) * rng.uniform()
    colour += float32(face.lips * cover)[..., None] * (red - colour)
    line = ridge(face.y - 6.61, 0.016) * (face.side < 0.27) * (face.z > 1.2)
    colour *= 1 - 0.45 * float32(line)[..., None]


def _beard(colour: np.ndarray, person: Person, rng: np.random.Generator, hair: np.ndarray) -> None:
    """Paint the shadow of a shaven beard, or a short beard, on men, in place."""
    strength = float(rng.choice([0.1, 0.25, 0.55, 0.8], p=[0.4, 0.35, 0.15, 0.1]))
    grains = noise(rng, 440)
    if person.male < 0.6:
        return
    face = ground()
    top = 6.72 + 0.9 * np.maximum(face.side - 0.35, 0) ** 1.2
    jaw = 1 / (1 + np.exp((face.y - top) / 0.06)) * (face.y > 5.95) * (face.z > 0.35)
    moustache = ridge(face.y - 6.765, 0.06) * (face.side < 0.34) * (face.z > 1.2)
    bare = ridge(face.y - 6.6, 0.13) * ridge(face.side, 0.3) * (face.z > 1.2)
    area = np.clip(jaw * (1 - bare) + moustache, 0, 1) * (1 - np.clip(4 * face.lips, 0, 1))
    area = cv2.GaussianBlur(area.astype(np.float32), (0, 0), 3)
    dense = 1 / (1 + np.exp(-2.5 * (grains + 2.4 * strength - 1)))
    colour += float32(strength * area * dense)[..., None] * (0.8 * hair + 12 - colour)


def _brows(
    colour: np.ndarray, person: Person, rng: np.random.Generator, hair: np.ndarray
) -> np.ndarray:
    """Paint the brows hair by hair, in place; return their thickness, float32 [H, W], 0 to 1."""
    height, arch = rng.uniform(7.425, 7.465), rng.uniform(0.02, 0.07)
    wide = rng.uniform(0.026, 0.042) * (0.85 + 0.4 * person.male)
    inner, outer = rng.uniform(0.07, 0.12), rng.uniform(0.5, 0.56)
    layer = np.zeros((HEIGHT, WIDTH), np.float32)
    for side in (1, -1):
        along = rng.uniform(size=_HAIRS) ** 0.85
        x = inner + (outer - inner) * along
        bow = arch * np.sin(np.pi * np.minimum(1, 0.8 * along)) - 0.05 * np.maximum(0, along - 0.6)
        across = rng.uniform(-1, 1, _HAIRS)
        half = wide * (1 - 0.75 * along**2) * np.minimum(1, 0.55 + 4 * along)
        y = height + bow + half * across
        # Upright at the inner end, lying at the outer one; the upper hairs lie more.
        turn = 75 - 75 * np.minimum(1, 1.6 * along) - 25 * ((across > 0) & (along > 0.2))
        turn = np.radians(turn + rng.normal(0, 12, _HAIRS))
        length = rng.uniform(0.04, 0.075, _HAIRS)
        roots = _drawn(side * x, y)
        tips = _drawn(side * (x + length * np.cos(turn)), y + length * np.sin(turn))
        for root, tip, shade in zip(roots, tips, rng.uniform(0.5, 1, _HAIRS), strict=True):
            cv2.line(layer, root, tip, float(shade), 1, cv2.LINE_AA, _FINE)
    cover = np.clip(0.75 * layer + 0.65 * cv2.GaussianBlur(layer, (0, 0), 2.2), 0, 1)
    colour += float32(cover * rng.uniform(0.75, 0.95))[..., None] * (0.85 * hair - colour)
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), 3))
