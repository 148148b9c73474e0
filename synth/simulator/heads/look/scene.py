"""Light and background of a recording."""

import cv2
import numpy as np

from fmdata.synth.simulator.heads.look.atlas import linear
from fmdata.synth.simulator.heads.render.arrays import FILL, GROUND, KEY, SKY, float32

_WARM, _COOL = np.array([1.18, 1.0, 0.78]), np.array([0.86, 0.98, 1.16])
_FLOOR = np.array([1.05, 0.98, 0.9])
_ROOM = float32(0.8)  # light on the background, over that on the face


def draw_lamps(day: np.random.Generator, take: np.random.Generator) -> np.ndarray:
    """Draw the lamps: `day` decides for a day, `take` for what differs between its takes.

    Returns
    -------
    float32 [4, 2, 3]
        As in :class:`fmdata.synth.simulator.heads.render.arrays.Lights`.
    """
    across = np.radians(day.uniform(15, 75) * day.choice([-1, 1]) + take.normal(0, 6))
    above = np.radians(day.uniform(10, 55) + take.normal(0, 4))
    key = np.array([np.sin(across) * np.cos(above), np.sin(above), np.cos(across) * np.cos(above)])
    side = -np.sign(across) * np.radians(day.uniform(20, 80))
    fill = np.array([np.sin(side), 0.2, np.cos(side)])
    warmth = day.uniform(0, 1)
    hue = _WARM * warmth + _COOL * (1 - warmth)
    other = _WARM * (1 - warmth) + _COOL * warmth
    gain = day.uniform(0.8, 1.12) * np.exp(take.normal(0, 0.06))
    hard = day.uniform(0.35, 0.75)  # share of the key light
    tint = np.exp(day.normal(0, 0.04, 3) + take.normal(0, 0.012, 3))
    lamps = np.zeros((4, 2, 3))
    # As bright on a face that looks at the camera, wherever the lamp is.
    lamps[KEY] = key, 1.05 * hard * hue / max(0.35, key[2])
    lamps[FILL] = fill / np.linalg.norm(fill), 0.3 * (1 - hard) * other
    lamps[SKY, 1] = 1.15 * (1 - hard) * (0.6 + 0.4 * other)
    lamps[GROUND, 1] = 0.55 * (1 - hard) * _FLOOR
    lamps[:, 1] *= gain * tint
    return lamps.astype(np.float32)


def draw_background(rng: np.random.Generator, size: int, lamps: np.ndarray) -> np.ndarray:
    """Draw a room out of focus, float32 [size, size, 3], linear RGB, under `lamps`."""
    y, x = np.mgrid[0:size, 0:size] / size
    slope = rng.normal(0, 0.35, 2)
    room = np.tile(rng.uniform(70, 215) + rng.normal(0, 14, 3), (size, size, 1))
    room *= (1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5))[..., None]
    for _ in range(int(rng.integers(0, 9))):
        left, top = rng.uniform(-0.2, 1), rng.uniform(-0.2, 0.9)
        wide, tall = rng.uniform(0.05, 0.5), rng.uniform(0.05, 0.8)
        inside = (x > left) & (x < left + wide) & (y > top) & (y < top + tall)
        room[inside] = rng.uniform(25, 225) + rng.normal(0, 13, 3)
    room = cv2.GaussianBlur(float32(room), (0, 0), size * rng.uniform(0.008, 0.035))
    coarse = rng.normal(0, 2.5, (size // 4, size // 4, 3)).astype(np.float32)
    room += cv2.resize(coarse, (size, size))
    level = _ROOM * (lamps[SKY, 1] + lamps[KEY, 1])
    return np.asarray(linear(np.clip(room, 2, 250)) * level, np.float32)
