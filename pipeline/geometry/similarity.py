"""Least-squares similarity transforms in closed form, for many frames at once.

A similarity is a rotation, one scale and a translation, never a reflection. Umeyama, "Least-squares
estimation of transformation parameters between two point patterns", PAMI 1991, eqs. 40-42; in the
plane the same solution is one complex division.
"""

import numpy as np

from fmdata.pipeline.geometry.blocks import blocks, median_points

PASSES = 2  # the second median is that of faces already aligned to the first


def fit_2d(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit similarities of the plane that map ``source`` to ``target``.

    Parameters
    ----------
    source, target : float [..., N, 2]
        Corresponding points; leading axes broadcast.

    Returns
    -------
    float64 [..., 2, 3]
        ``[a -b tx; b a ty]``. Scale 1 and no rotation where all source points coincide.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    source_mean, target_mean = source.mean(-2), target.mean(-2)
    p = _as_complex(source - source_mean[..., None, :])
    q = _as_complex(target - target_mean[..., None, :])
    spread = (np.abs(p) ** 2).sum(-1)
    turn = np.where(spread > 0, (p.conj() * q).sum(-1) / np.where(spread > 0, spread, 1), 1)
    shift = _as_complex(target_mean) - turn * _as_complex(source_mean)
    rows = [turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def fit_3d(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Fit similarities of space that map ``source`` to ``target``.

    Parameters
    ----------
    source : float [T, N, 3]
        Points of each frame.
    target : float [N, 3]
        Points of the one shape that each frame is fitted to.

    Returns
    -------
    float64 [T, 3, 4]
        Scaled rotation and translation. Scale 1 where all points of a frame coincide.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    source_mean, target_mean = source.mean(-2), target.mean(-2)
    p, q = source - source_mean[:, None], target - target_mean
    u, s, vt = np.linalg.svd(np.einsum("ni,tnj->tij", q, p))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))  # no reflections
    rotation = np.einsum("tij,tj,tjk->tik", u, sign, vt)
    spread = (p**2).sum((1, 2))
    scale = np.where(spread > 0, (s * sign).sum(1) / np.where(spread > 0, spread, 1), 1)
    linear = scale[:, None, None] * rotation
    shift = target_mean - np.einsum("tij,tj->ti", linear, source_mean)
    return np.concatenate([linear, shift[..., None]], -1)


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply transforms [..., D, D + 1] to points [..., N, D]; leading axes broadcast."""
    linear, shift = transform[..., :-1], transform[..., -1]
    return points @ np.swapaxes(linear, -1, -2) + shift[..., None, :]


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the transform ``outer`` after ``inner``; both [..., D, D + 1]."""
    linear = outer[..., :-1] @ inner[..., :-1]
    shift = apply(outer, inner[..., None, :, -1])[..., 0, :]
    return np.concatenate([linear, shift[..., None]], -1)


def to_median(points: np.ndarray) -> np.ndarray:
    """Fit the similarities that map each frame's points to the clip's median shape.

    Parameters
    ----------
    points : float [T, N, D]
        D is 2 or 3.

    Returns
    -------
    float64 [T, D, D + 1]
        One transform a frame. The median shape is aligned to the median of the raw points.
    """
    fit = fit_2d if points.shape[-1] == 2 else fit_3d
    parts = list(blocks(len(points)))
    shape = median_points(points)
    for _ in range(PASSES - 1):
        together = np.empty(points.shape)
        for frames in parts:
            together[frames] = apply(fit(points[frames], shape), points[frames])
        shape = median_points(together)
    return np.concatenate([fit(points[frames], shape) for frames in parts])


def _as_complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0] + 1j * points[..., 1]
