"""Draws triangles into a z-buffer, compiled by numba.

Promise: the same arrays give the same bytes. One thread, no fast-math, and no function beside
the four operations and the square root, which every processor rounds alike.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np

from fmdata.synth.simulator.heads.render.compiled import compiled

_ONE, _ZERO = np.float32(1), np.float32(0)
_EDGE = np.float32(-1e-4)  # neighbours overlap by this share, so that no pixel between them is lost
_TINY = np.float32(1e-12)
FAR = np.float32(-1e9)


@compiled
def vertex_normals(points, triangles):
    """Return unit normals, float32 [V, 3], of `points` float32 [V, 3]."""
    normals = np.zeros_like(points)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ux, uy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
        vx, vy = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
        uz, vz = points[b, 2] - points[a, 2], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            k = triangles[f, corner]
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    for k in range(normals.shape[0]):
        x, y, z = normals[k, 0], normals[k, 1], normals[k, 2]
        length = np.sqrt(x * x + y * y + z * z + _TINY)
        normals[k, 0], normals[k, 1], normals[k, 2] = x / length, y / length, z / length
    return normals


@compiled
def _box(screen, a, b, c, size):
    """Return the first and last column and row of the pixels in a triangle's box."""
    low_x = min(screen[a, 0], screen[b, 0], screen[c, 0])
    high_x = max(screen[a, 0], screen[b, 0], screen[c, 0])
    low_y = min(screen[a, 1], screen[b, 1], screen[c, 1])
    high_y = max(screen[a, 1], screen[b, 1], screen[c, 1])
    left, top = max(0, int(np.ceil(low_x))), max(0, int(np.ceil(low_y)))
    return left, min(size - 1, int(high_x)), top, min(size - 1, int(high_y))


@compiled
def _area(screen, a, b, c):
    """Return twice the area of a triangle; below 0 for one that faces the camera."""
    ux, uy = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
    return ux * (screen[c, 1] - screen[a, 1]) - uy * (screen[c, 0] - screen[a, 0])


@compiled
def _share(screen, b, c, x, y, inverse):
    """Return the share at (x, y) of the corner opposite b and c, and its steps along x and y."""
    bx, by, cx, cy = screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
    at = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
    return at, (by - cy) * inverse, (cx - bx) * inverse


@compiled
def _is_cut(cut, uv, strands, grain, a, b, c, s, t):
    """Return whether a point of a triangle lies between strands, or outside its cover."""
    r = _ONE - s - t
    u = int(s * uv[a, 0] + t * uv[b, 0] + r * uv[c, 0])
    v = int(s * uv[a, 1] + t * uv[b, 1] + r * uv[c, 1])
    u, v = min(max(u, 0), strands.shape[1] - 1), min(max(v, 0), strands.shape[0] - 1)
    return s * cut[a] + t * cut[b] + r * cut[c] < grain * strands[v, u]


@compiled
def _fill(screen, cut, uv, strands, grain, f, a, b, c, area, ids, near):
    """Draw triangle `f`, whose corners are a, b and c, into `ids` and `near`."""
    whole = min(cut[a], cut[b], cut[c]) >= grain
    left, right, top, bottom = _box(screen, a, b, c, ids.shape[0])
    x, y, inverse = np.float32(left), np.float32(top), _ONE / area
    s_top, s_x, s_y = _share(screen, b, c, x, y, inverse)
    t_top, t_x, t_y = _share(screen, c, a, x, y, inverse)
    az, bz, cz = screen[a, 2], screen[b, 2], screen[c, 2]
    for row in range(top, bottom + 1):
        down = np.float32(row - top)
        s_row, t_row = s_top + s_y * down, t_top + t_y * down
        inside = False
        for column in range(left, right + 1):
            across = np.float32(column - left)
            s, t = s_row + s_x * across, t_row + t_x * across
            r = _ONE - s - t
            if s < _EDGE or t < _EDGE or r < _EDGE:
                if inside:
                    break
                continue
            inside = True
            z = s * az + t * bz + r * cz
            if z <= near[row, column]:
                continue
            if whole or not _is_cut(cut, uv, strands, grain, a, b, c, s * az / z, t * bz / z):
                ids[row, column], near[row, column] = f, z


@compiled
def shares_at(screen, a, b, c, x, y):
    """Return the shares of corners a and b at a pixel of their triangle, seen in perspective."""
    inverse = _ONE / _area(screen, a, b, c)
    s, _, _ = _share(screen, b, c, x, y, inverse)
    t, _, _ = _share(screen, c, a, x, y, inverse)
    s, t, r = s * screen[a, 2], t * screen[b, 2], (_ONE - s - t) * screen[c, 2]
    return s / (s + t + r), t / (s + t + r)


@compiled
def all_shares(ids, screen, triangles):
    """Return the shares of the first two corners in every pixel, float32 [S, S, 2]."""
    shares = np.zeros((*ids.shape, 2), np.float32)
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            if ids[y, x] >= 0:
                a, b, c = triangles[ids[y, x]]
                s, t = shares_at(screen, a, b, c, np.float32(x), np.float32(y))
                shares[y, x, 0], shares[y, x, 1] = s, t
    return shares


@compiled
def draw_ids(screen, surface, strands, size):
    """Return the nearest triangle of every pixel, and how near it is.

    Parameters
    ----------
    screen : float32 [V, 3]
        Column, row, and nearness: above 0, and larger for what is nearer.
    surface : Surface
        Triangles.
    strands : float32 [H, W]
        Pattern of the hair, read at the texels.
    size : int
        Width and height in pixels.

    Returns
    -------
    int32 [S, S], float32 [S, S]
        Triangles, -1 for none; the nearness.
    """
    ids = np.full((size, size), -1, np.int32)
    near = np.zeros((size, size), np.float32)
    triangles, _, two_sided, grain, cut, uv, _ = surface
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        area = _area(screen, a, b, c)
        if area == _ZERO or (area > _ZERO and not two_sided[f]):
            continue
        if max(cut[a], cut[b], cut[c]) >= _ZERO:
            _fill(screen, cut, uv, strands, grain[f], f, a, b, c, area, ids, near)
    return ids, near


@compiled
def draw_nearness(screen, triangles, size):
    """Return the nearness of the nearest triangle of every pixel, float32 [S, S], or `FAR`."""
    near = np.full((size, size), FAR)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        area = _area(screen, a, b, c)
        if area >= _ZERO:
            continue
        left, right, top, bottom = _box(screen, a, b, c, size)
        x, y, inverse = np.float32(left), np.float32(top), _ONE / area
        s_top, s_x, s_y = _share(screen, b, c, x, y, inverse)
        t_top, t_x, t_y = _share(screen, c, a, x, y, inverse)
        for row in range(top, bottom + 1):
            down = np.float32(row - top)
            s_row, t_row = s_top + s_y * down, t_top + t_y * down
            for column in range(left, right + 1):
                across = np.float32(column - left)
                s, t = s_row + s_x * across, t_row + t_x * across
                r = _ONE - s - t
                if s >= _EDGE and t >= _EDGE and r >= _EDGE:
                    z = s * screen[a, 2] + t * screen[b, 2] + r * screen[c, 2]
                    near[row, column] = max(near[row, column], z)
    return near
