"""The geometry of a real face, and tracks of it whose motion is known.

The face is the portrait in scikit-image; its mesh is detected once per process. `film` animates the
mesh: a displacement field times an eased curve, blinks, rotation of the head, and landmark jitter.
"""

from functools import cache

import cv2
import numpy as np
import skimage.data
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from fmdata.catalog.types import Track
from fmdata.pipeline.geometry.points import STABLE, interocular_distance
from fmdata.pipeline.landmarks.backends import open_landmarker

Timing = tuple[int, int, int, int]  # onset, apex, release, offset, in frames


@cache
def portrait() -> np.ndarray:
    """Return a face of about 120 pixels between the outer eye corners, uint8 [600, 600, 3]."""
    head = skimage.data.astronaut()[:300, 100:400]
    enlarged: np.ndarray = cv2.resize(head, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return _shared(enlarged)


@cache
def portrait_mesh() -> np.ndarray:
    """Return the portrait's mesh, upright, in interocular distances, float64 [478, 3]."""
    mesh = open_landmarker("mediapipe").detect(portrait())[0].landmarks.astype(np.float64)
    mesh /= interocular_distance(mesh)
    mesh -= mesh[STABLE].mean(0)
    across = mesh[263] - mesh[33]
    upright = mesh @ Rotation.from_euler("z", -np.arctan2(across[1], across[0])).as_matrix().T
    return _shared(upright)


def bump(face: np.ndarray, point: int, move: tuple[float, float], reach: float) -> np.ndarray:
    """Return a displacement of the mesh, IOD: `move` at a point, with a Gaussian falloff."""
    distance = np.linalg.norm(face[:, :2] - face[point, :2], axis=1)
    field = np.zeros_like(face)
    field[:, :2] = np.exp(-0.5 * (distance / reach) ** 2)[:, None] * move
    return field


@cache
def displacements() -> dict[str, np.ndarray]:
    """Return the displacement of the mesh at full motion, by the motion's name, IOD [478, 3].

    The wink closes the eye on the left of the image.
    """
    face = portrait_mesh()

    def lids(upper: tuple[int, ...], lower: tuple[int, ...]) -> np.ndarray:
        field = np.zeros_like(face)
        for above, below in zip(upper, lower, strict=True):
            gap = face[below, 1] - face[above, 1]
            field[above, 1], field[below, 1] = 0.8 * gap, -0.2 * gap
        return field

    left = lids((160, 158), (144, 153))
    fields = {
        "smile": bump(face, 61, (-0.12, -0.1), 0.2) + bump(face, 291, (0.12, -0.1), 0.2),
        "jaw": bump(face, 152, (0.0, 0.35), 0.3),
        "brows": bump(face, 105, (0.0, -0.13), 0.15) + bump(face, 334, (0.0, -0.13), 0.15),
        "wink": left + bump(face, 50, (0.0, -0.02), 0.1),
        "blink": left + lids((387, 385), (373, 380)),
    }
    return {name: _shared(field) for name, field in fields.items()}


def eased(n: int, onset: int, apex: int, release: int, offset: int) -> np.ndarray:
    """Return a raised-cosine rise and fall: above 0 in [onset, offset), 1 in [apex, release)."""
    t = np.arange(n)
    rise = np.clip((t - onset + 1) / (apex - onset + 1), 0, 1)
    fall = np.clip((offset - t) / (offset - release + 1), 0, 1) if release < n else np.ones(n)
    return 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, fall))


def film(
    n: int,
    motion: str = "smile",
    timing: Timing | None = None,
    *,
    size: float = 1.0,
    head: float = 0.0,
    blinks: tuple[int, ...] = (),
    jitter: float = 0.0015,
    iod_px: float = 80.0,
    mirror: bool = False,
    seed: int = 0,
) -> Track:
    """Return a track of `n` frames of the portrait.

    Parameters
    ----------
    motion : str
        A name in :func:`displacements`.
    timing : (onset, apex, release, offset)
        Frames of the motion; no motion if None.
    size : float
        Amplitude of the motion, relative to its full displacement.
    head : float
        Amplitude of the head's rotation, degrees.
    blinks : tuple of int
        First frame of each blink.
    jitter : float
        Standard deviation of each coordinate's noise, IOD. MediaPipe's is 0.0015.
    iod_px : float
        Interocular distance, pixels.
    mirror : bool
        Return the mirror image.
    """
    rng = np.random.default_rng(seed)
    face, fields = portrait_mesh(), displacements()
    curve = eased(n, *timing) if timing else np.zeros(n)
    closed = sum((eased(n, b, b + 2, b + 3, b + 6) for b in blinks), np.zeros(n))
    mesh = face + size * curve[:, None, None] * fields[motion]
    mesh = mesh + closed[:, None, None] * fields["blink"]
    mesh = mesh + rng.normal(0, jitter, mesh.shape)
    t = np.arange(n)[:, None]
    swing = np.sin(2 * np.pi * (t * rng.uniform(0.006, 0.03, 3) + rng.uniform(size=3)))
    rotation = Rotation.from_euler("yxz", head * swing, degrees=True)
    mesh = np.einsum("tij,tpj->tpi", rotation.as_matrix(), mesh)
    mesh = iod_px * (1 + 0.005 * head * swing[:, :1, None]) * mesh
    mesh[..., :2] += [320, 240] + 2 * head * swing[:, None, 1:]
    if mirror:
        mesh[..., 0] = 640 - mesh[..., 0]
        mesh = mesh[:, mirror_order()]
    zeros = np.zeros(n, np.float32)
    return Track(
        detected=np.ones(n, np.bool_),
        timestamps_s=np.arange(n) / 30,
        landmarks=mesh.astype(np.float32),
        pose=np.zeros((n, 3), np.float32),
        blendshapes=None,
        brightness=zeros,
        sharpness=zeros,
        width=640,
        height=480,
    )


@cache
def mirror_order() -> np.ndarray:
    """Return for each point of the mesh the point nearest to its mirror image, int [478]."""
    face = portrait_mesh()
    distance = np.linalg.norm(face[:, None] - (face * [-1, 1, 1])[None], axis=-1)
    # A one-to-one assignment, so that the mirrored mesh has every point once.
    order: np.ndarray = linear_sum_assignment(distance)[1]
    return _shared(order)


def _shared(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False  # all tests of the process use the same array
    return array
