"""A real face's geometry, and tracks of it whose motion is known.

`face` is the mesh of the portrait in scikit-image, found once. `film` animates it: a displacement
field times an eased curve, blinks, turns of the head in space, and landmark jitter.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from fmdata.catalog.types import Track

Film = Callable[..., Track]


def bump(face: np.ndarray, point: int, move: tuple[float, float], reach: float) -> np.ndarray:
    """Return a displacement of the mesh, IOD: `move` at a point, falling off as a Gaussian."""
    distance = np.linalg.norm(face[:, :2] - face[point, :2], axis=1)
    field = np.zeros_like(face)
    field[:, :2] = np.exp(-0.5 * (distance / reach) ** 2)[:, None] * move
    return field


@pytest.fixture(scope="session")
def fields(face: np.ndarray) -> dict[str, np.ndarray]:
    """What moves, IOD: the mouth, the jaw, the brows, one eye, both eyes. Left is the image's."""

    def lids(upper: tuple[int, ...], lower: tuple[int, ...]) -> np.ndarray:
        field = np.zeros_like(face)
        for above, below in zip(upper, lower, strict=True):
            gap = face[below, 1] - face[above, 1]
            field[above, 1], field[below, 1] = 0.8 * gap, -0.2 * gap
        return field

    left = lids((160, 158), (144, 153))
    return {
        "smile": bump(face, 61, (-0.12, -0.1), 0.2) + bump(face, 291, (0.12, -0.1), 0.2),
        "jaw": bump(face, 152, (0.0, 0.35), 0.3),
        "brows": bump(face, 105, (0.0, -0.13), 0.15) + bump(face, 334, (0.0, -0.13), 0.15),
        "wink": left + bump(face, 50, (0.0, -0.02), 0.1),
        "blink": left + lids((387, 385), (373, 380)),
    }


def eased(n: int, onset: int, apex: int, release: int, offset: int) -> np.ndarray:
    """Raised-cosine rise and fall: above 0 in [onset, offset), 1 in [apex, release)."""
    t = np.arange(n)
    rise = np.clip((t - onset + 1) / (apex - onset + 1), 0, 1)
    fall = np.clip((offset - t) / (offset - release + 1), 0, 1) if release < n else np.ones(n)
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, fall))


@pytest.fixture(scope="session")
def film(face: np.ndarray, fields: dict[str, np.ndarray]) -> Film:
    """Return a maker of tracks.

    ``film(n, "smile", (20, 30, 45, 57))`` smiles with onset 20, apex 30, release 45, offset 57.
    Further: `size` of the motion, `head` in degrees, frames of `blinks`, `jitter` in IOD (0.0015
    is MediaPipe's), `iod_px`, `mirror` for the mirror image, `seed`.
    """

    def make(
        n: int,
        what: str = "smile",
        timing: tuple[int, int, int, int] | None = None,
        *,
        size: float = 1.0,
        head: float = 0.0,
        blinks: tuple[int, ...] = (),
        jitter: float = 0.0015,
        iod_px: float = 80.0,
        mirror: bool = False,
        seed: int = 0,
    ) -> Track:
        rng = np.random.default_rng(seed)
        curve = eased(n, *timing) if timing else np.zeros(n)
        closed = sum((eased(n, b, b + 2, b + 3, b + 6) for b in blinks), np.zeros(n))
        mesh = face + size * curve[:, None, None] * fields[what]
        mesh = mesh + closed[:, None, None] * fields["blink"]
        mesh = mesh + rng.normal(0, jitter, mesh.shape)
        t = np.arange(n)[:, None]
        swing = np.sin(2 * np.pi * (t * rng.uniform(0.006, 0.03, 3) + rng.uniform(size=3)))
        turn = Rotation.from_euler("yxz", head * swing, degrees=True)
        mesh = np.einsum("tij,tpj->tpi", turn.as_matrix(), mesh)
        mesh = iod_px * (1 + 0.005 * head * swing[:, :1, None]) * mesh
        mesh[..., :2] += [320, 240] + 2 * head * swing[:, None, 1:]
        if mirror:
            mesh[..., 0] = 640 - mesh[..., 0]
            mesh = mesh[:, mirror_order(face)]
        zeros = np.zeros(n, np.float32)
        return Track(
            detected=np.ones(n, np.bool_),
            timestamps_s=np.arange(n) / 30,
            landmarks=mesh.astype(np.float32),
            pose=np.zeros((n, 3), np.float32),
            blendshapes=np.zeros((n, 52), np.float32),
            brightness=zeros,
            sharpness=zeros,
            width=640,
            height=480,
        )

    return make


def mirror_order(face: np.ndarray) -> np.ndarray:
    """Return for each point of the mesh the one nearest to its mirror image, int [478]."""
    mirrored = face * [-1, 1, 1]
    distance = np.linalg.norm(face[:, None] - mirrored[None], axis=-1)
    # One to one, so that the mirrored mesh is a mesh.
    order: np.ndarray = linear_sum_assignment(distance)[1]
    return order
