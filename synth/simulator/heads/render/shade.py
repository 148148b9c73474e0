"""Light per pixel: relief, key and fill lights with a shadow, sky, highlights; then sRGB.

The z-buffer has two by two samples a pixel. Samples of one surface share one reckoning of light.
Promise: as of :mod:`fmdata.synth.simulator.heads.raster`, the same arrays give the same bytes.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np

from fmdata.synth.simulator.heads.parts import (
    CAP,
    CLOTH,
    EYE,
    HAIR,
    LASH,
    MOUTH,
    N_PARTS,
    SKIN,
    TEETH,
    TONGUE,
)
from fmdata.synth.simulator.heads.render.arrays import (
    DARK,
    FILL,
    GROUND,
    KEY,
    NORMAL,
    POINT,
    SKY,
    TEXEL,
)
from fmdata.synth.simulator.heads.render.compiled import compiled
from fmdata.synth.simulator.heads.render.raster import shares_at

_ONE, _ZERO, _HALF = np.float32(1), np.float32(0), np.float32(0.5)
_TINY = np.float32(1e-12)
_STEEP = np.float32(0.8)  # greatest slope of the relief
_BIAS = np.float32(0.03)  # of the shadow map, in decimetres
_DISC = np.float32(0.035)  # radius of a shadow's soft edge, in decimetres
_STEP = np.float32(0.01)  # nearness by which two samples of one surface differ at most
_SAMPLE = np.float32(0.25)
# For each part: wrap of red light, wrap of other light, power of the highlight (as the exponent of
# two), share of the shadow.
_FINISHES = {
    SKIN: (0.32, 0.16, 4, 0.85), MOUTH: (0.3, 0.2, 4, 0.6), EYE: (0.5, 0.5, 8, 0.5),
    TEETH: (0.5, 0.5, 6, 0.4), TONGUE: (0.4, 0.2, 5, 0.7), LASH: (0.3, 0.3, 3, 0.0),
    HAIR: (0.25, 0.25, 4, 0.5), CAP: (0.2, 0.2, 3, 0.6), CLOTH: (0.2, 0.2, 3, 0.8),
}  # fmt: skip
_TABLE = np.array([_FINISHES[part] for part in range(N_PARTS)])
_WRAP = np.ascontiguousarray(_TABLE[:, [0, 1, 1]], np.float32)
_SLOPE = (1 / (1 + _WRAP)).astype(np.float32)
_POWER = _TABLE[:, 2].astype(np.int64)
_SHADOW = np.ascontiguousarray(_TABLE[:, 3], np.float32)


@compiled
def _mix(vertices, a, b, c, s, t, column):
    """Return one value of `vertices` at a point of the triangle a, b, c."""
    r = _ONE - s - t
    return s * vertices[a, column] + t * vertices[b, column] + r * vertices[c, column]


@compiled
def _texel(u, v, rows, columns):
    """Return row, column, and the shares of a texel's four neighbours."""
    j, i = min(max(int(u), 0), columns - 2), min(max(int(v), 0), rows - 2)
    du, dv = np.float32(u - np.float32(j)), np.float32(v - np.float32(i))
    eu, ev = _ONE - du, _ONE - dv
    return i, j, eu * ev, du * ev, eu * dv, du * dv


@compiled
def _read(texture, i, j, k, p, q, r, s):
    """Return a layer of a texture at a texel and the shares of its neighbours."""
    above = p * texture[i, j, k] + q * texture[i, j + 1, k]
    return above + r * texture[i + 1, j, k] + s * texture[i + 1, j + 1, k]


@compiled
def relief_of(ids, screen, surface, vertices, heights, creases):
    """Return the height of the skin's relief in every pixel, float32 [S, S], decimetres.

    Parameters
    ----------
    ids : int32 [2 S, 2 S]
        As of :func:`fmdata.synth.simulator.heads.render.raster.draw_ids`.
    screen : float32 [V, 3]
        As for it.
    surface : Surface
        The height is 0 beside the skin.
    vertices : float32 [V, 9]
        As in :mod:`fmdata.synth.simulator.heads.render.arrays`.
    heights : float32 [H, W, 1 + K]
        Relief at rest, and of each crease.
    creases : float32 [2, K]
        Depth of the creases, on the subject's right and left.
    """
    size = ids.shape[0] // 2
    relief = np.zeros((size, size), np.float32)
    rows, columns, layers = heights.shape
    triangles, part = surface.triangles, surface.part
    for y in range(size):
        for x in range(size):
            f = ids[2 * y, 2 * x]
            if f < 0 or part[f] != SKIN:
                continue
            a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            s, t = shares_at(screen, a, b, c, np.float32(2 * x), np.float32(2 * y))
            u = _mix(vertices, a, b, c, s, t, TEXEL)
            v = _mix(vertices, a, b, c, s, t, TEXEL + 1)
            i, j, p, q, r, w = _texel(u, v, rows, columns)
            side = 1 if 2 * j > columns else 0
            total = _read(heights, i, j, 0, p, q, r, w)
            for k in range(1, layers):
                if creases[side, k - 1] != _ZERO:
                    total += creases[side, k - 1] * _read(heights, i, j, k, p, q, r, w)
            relief[y, x] = total
    return relief


@compiled
def _bumped(relief, y, x, nx, ny, nz, focal):
    """Return a normal, tilted by the relief around a pixel."""
    size = relief.shape[0]
    gx, gy = _ZERO, _ZERO
    if relief[y, x] != _ZERO and 0 < x < size - 1 and 0 < y < size - 1:
        if relief[y, x - 1] != _ZERO and relief[y, x + 1] != _ZERO:
            gx = _HALF * (relief[y, x + 1] - relief[y, x - 1]) * focal
        if relief[y - 1, x] != _ZERO and relief[y + 1, x] != _ZERO:
            gy = _HALF * (relief[y - 1, x] - relief[y + 1, x]) * focal
    gx, gy = min(max(gx, -_STEEP), _STEEP), min(max(gy, -_STEEP), _STEEP)
    along = gx * nx + gy * ny
    nx, ny, nz = nx - gx + along * nx, ny - gy + along * ny, nz + along * nz
    length = np.sqrt(nx * nx + ny * ny + nz * nz + _TINY)
    return nx / length, ny / length, nz / length


@compiled
def _reached(x, y, z, shadows):
    """Return how much of the key light reaches a point of the shadow map, 0 to 1."""
    size = shadows.shape[0]
    j, i = int(x), int(y)
    if j < 0 or i < 0 or j >= size - 1 or i >= size - 1:
        return _ONE
    dx, dy = np.float32(x - np.float32(j)), np.float32(y - np.float32(i))
    above = (_ONE - dx if z >= shadows[i, j] else _ZERO) + (dx if z >= shadows[i, j + 1] else _ZERO)
    below = _ONE - dx if z >= shadows[i + 1, j] else _ZERO
    below += dx if z >= shadows[i + 1, j + 1] else _ZERO
    return (_ONE - dy) * above + dy * below


@compiled
def _lit(vertices, a, b, c, s, t, m, shadows):
    """Return the mean of the key light over a small disc around a point, 0 to 1."""
    px = _mix(vertices, a, b, c, s, t, POINT)
    py = _mix(vertices, a, b, c, s, t, POINT + 1)
    pz = _mix(vertices, a, b, c, s, t, POINT + 2)
    x = m[0, 0] * px + m[0, 1] * py + m[0, 2] * pz + m[0, 3]
    y = m[1, 0] * px + m[1, 1] * py + m[1, 2] * pz + m[1, 3]
    z = m[2, 0] * px + m[2, 1] * py + m[2, 2] * pz + m[2, 3] + _BIAS
    step = _DISC * np.sqrt(m[0, 0] * m[0, 0] + m[0, 1] * m[0, 1] + m[0, 2] * m[0, 2])
    total = _reached(x - step, y, z, shadows) + _reached(x + step, y, z, shadows)
    total += _reached(x, y - step, z, shadows) + _reached(x, y + step, z, shadows)
    return total * _SAMPLE


@compiled
def _toward(lamps, lamp, nx, ny, nz):
    """Return the cosine between a normal and the direction to a lamp."""
    return nx * lamps[lamp, 0, 0] + ny * lamps[lamp, 0, 1] + nz * lamps[lamp, 0, 2]


@compiled
def _shine(half, nx, ny, nz, squarings):
    """Return a highlight (Blinn), whose power is two to the `squarings`."""
    shine = max(_ZERO, nx * half[0] + ny * half[1] + nz * half[2])
    for _ in range(squarings):
        shine *= shine
    return shine


@compiled
def _halfway(lamp):
    """Return the direction between a lamp and the camera, float32 [3]."""
    half = lamp[0].copy()
    half[2] += _ONE
    return half / np.sqrt(half[0] * half[0] + half[1] * half[1] + half[2] * half[2] + _TINY)


@compiled
def _light(out, a, b, c, s, t, normal, vertices, atlas, part, lamps, half, lit):
    """Write the linear RGB of a point of a triangle into `out`, float32 [3]."""
    nx, ny, nz = normal
    u, v = _mix(vertices, a, b, c, s, t, TEXEL), _mix(vertices, a, b, c, s, t, TEXEL + 1)
    i, j, p, q, r, w = _texel(u, v, atlas.shape[0], atlas.shape[1])
    dark = _mix(vertices, a, b, c, s, t, DARK)
    up = _HALF + _HALF * ny
    key, fill = _toward(lamps, KEY, nx, ny, nz), _toward(lamps, FILL, nx, ny, nz)
    shine = _shine(half, nx, ny, nz, _POWER[part])
    gloss = shine * lit * _read(atlas, i, j, 3, p, q, r, w)
    for k in range(3):
        albedo = _read(atlas, i, j, k, p, q, r, w)
        wrap, slope = _WRAP[part, k], _SLOPE[part, k]
        bright = max(_ZERO, (key + wrap) * slope) * lit
        weak = max(_ZERO, (fill + wrap) * slope)
        sky = lamps[GROUND, 1, k] + up * (lamps[SKY, 1, k] - lamps[GROUND, 1, k])
        # Light in a hollow has met the skin before, so hollows are red and not grey.
        hollow = dark * (_ONE + albedo * (_ONE - dark))
        light = (sky + lamps[FILL, 1, k] * weak) * hollow + lamps[KEY, 1, k] * bright
        out[k] = albedo * light + lamps[KEY, 1, k] * gloss


@compiled
def _sample(
    out, y, x, a, b, c, part, screen, relief, vertices, atlas, lamps, half, to_map, shadows, focal
):
    """Write the linear RGB of a sample of the z-buffer, on a triangle, into `out`."""
    s, t = shares_at(screen, a, b, c, np.float32(x), np.float32(y))
    nx = _mix(vertices, a, b, c, s, t, NORMAL)
    ny = _mix(vertices, a, b, c, s, t, NORMAL + 1)
    nz = _mix(vertices, a, b, c, s, t, NORMAL + 2)
    normal = _bumped(relief, y // 2, x // 2, nx, ny, nz, focal)
    lit = _ONE
    # A surface that looks away from the lamp needs no shadow.
    if _SHADOW[part] > _ZERO and _toward(lamps, KEY, *normal) > -_WRAP[part, 0]:
        lit = _ONE - _SHADOW[part] * (_ONE - _lit(vertices, a, b, c, s, t, to_map, shadows))
    _light(out, a, b, c, s, t, normal, vertices, atlas, part, lamps, half, lit)


@compiled
def shade(ids, near, screen, relief, surface, vertices, atlas, lights, focal, background):
    """Return the picture in linear light, float32 [S, S, 3].

    Parameters
    ----------
    near : float32 [2 S, 2 S]
        Nearness of every sample.
    ids, screen, surface, vertices
        As for :func:`relief_of`, whose result is `relief`.
    atlas, lights
        As in :mod:`fmdata.synth.simulator.heads.render.arrays`.
    focal : float32
        Pixels of the picture in a decimetre.
    background : float32 [S, S, 3]
    """
    size = relief.shape[0]
    picture, colour = np.zeros((size, size, 3), np.float32), np.zeros(3, np.float32)
    triangles, part, lamps = surface.triangles, surface.part, lights.lamps
    to_map, shadows, half = lights.to_map, lights.shadows, _halfway(lights.lamps[KEY])
    for row in range(size):
        for column in range(size):
            last, depth = -2, _ZERO
            for sample in range(4):
                y, x = 2 * row + sample // 2, 2 * column + sample % 2
                f = ids[y, x]
                here = part[f] if f >= 0 else -1
                if here != last or abs(near[y, x] - depth) > _STEP:
                    last, depth = here, near[y, x]
                    if f < 0:
                        for k in range(3):
                            colour[k] = background[row, column, k]
                    else:
                        _sample(
                            colour, y, x, triangles[f, 0], triangles[f, 1], triangles[f, 2], here,
                            screen, relief, vertices, atlas, lamps, half, to_map, shadows, focal,
                        )  # fmt: skip
                for k in range(3):
                    picture[row, column, k] += _SAMPLE * colour[k]
    return picture


@compiled
def encode(light, curve, brightest):
    """Return linear light, float32 [S, S, 3], as sRGB, uint8; `curve` goes from 0 to brightest."""
    picture = np.empty(light.shape, np.uint8)
    top = curve.shape[0] - 1
    scale = np.float32(top / brightest)
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            for k in range(3):
                value = min(int(light[row, column, k] * scale + _HALF), top)
                picture[row, column, k] = curve[value]
    return picture
